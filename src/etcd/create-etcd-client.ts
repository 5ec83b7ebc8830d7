import { credentials, type ChannelCredentials } from "@grpc/grpc-js";
import { Caller } from "./caller.js";
import { Endpoint } from "./endpoint.js";
import type { EtcdClient } from "./etcd-client.js";
import type { EtcdOptions } from "./etcd-options.js";
import { Following } from "./follow.js";
import { KVService } from "./gen/etcd/etcdserverpb/rpc.js";
import { withoutAddressAsName } from "./ip-hosts.js";
import { LeaseHolder } from "./lease-holder.js";
import { Members } from "./members.js";
import { list } from "./range-reader.js";
import { lettingGo } from "./silent-sockets.js";
import { fromTransaction, toTransaction } from "./transaction.js";

const CALL_TIMEOUT_MS = 1_500;
const LIMIT_MS = 5_000;

/** @throws EtcdError "invalid" if there is no endpoint; Error if certificates or keys are not what they should be */
export function createEtcdClient(options: EtcdOptions): EtcdClient {
  const { login, callTimeoutMs = CALL_TIMEOUT_MS } = options;
  const settings = { credentials: channelCredentials(options), connectTimeoutMs: callTimeoutMs };
  const members = new Members(options.endpoints.map((endpoint) => new Endpoint(endpoint, settings)));
  const caller = new Caller({ login, callTimeoutMs, closing: members.closing });
  return {
    async read(what, limitMs = LIMIT_MS) {
      const { revision, entries } = await list(
        (request) =>
          members.failOver(["unreachable", "unknown"], limitMs, (endpoint, leftMs) =>
            caller.call(endpoint, KVService.range, request, leftMs),
          ),
        what,
      );
      return { revision, entries };
    },
    async commit(guards, writes, limitMs = LIMIT_MS) {
      const transaction = toTransaction(guards, writes);
      const answer = await members.failOver(["unreachable"], limitMs, (endpoint, leftMs) =>
        caller.call(endpoint, KVService.txn, transaction, leftMs),
      );
      return fromTransaction(answer);
    },
    follow: (prefix, follower) => new Following(prefix, follower, members, caller),
    holdLease: (ttlSeconds, events) =>
      new LeaseHolder({ ttlSeconds, events, members, caller, callTimeoutMs }),
    close: () => members.close(),
  };
}

function channelCredentials({ tls }: EtcdOptions): ChannelCredentials {
  if (!tls) return lettingGo(credentials.createInsecure());
  const own = credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null);
  return lettingGo(withoutAddressAsName(own));
}
