import { errnoOf } from "./errno.js";
import { ProxyError } from "./errors.js";

const EXPLANATIONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the address is in use already",
  EACCES:
    "permission denied (ports below 1024 need root or CAP_NET_BIND_SERVICE, a socket a folder you may write to)",
  EADDRNOTAVAIL: "this machine has no such address",
  EAFNOSUPPORT: "this machine has no such address family",
  EINVAL: "the descriptor that was given for it is not a listening socket",
  ENOTSOCK: "the descriptor that was given for it is not a socket",
  EBADF: "the descriptor that was given for it is not open",
  EMFILE: "this process has as many files open as it may (ulimit -n, LimitNOFILE=)",
  ENOENT: "the folder of the socket does not exist",
};

/** One clear line for an address that can't be listened on. */
export function listenError(where: string, error: unknown): ProxyError {
  if (error instanceof ProxyError) return error;
  const errno = errnoOf(error);
  const why = (errno !== undefined ? EXPLANATIONS[errno] : undefined) ?? (error as Error).message;
  return new ProxyError("LISTEN_FAILED", `cannot listen on ${where}: ${why}`, { cause: error });
}
