import { Metadata } from "@grpc/grpc-js";
import type { Settings } from "./options.js";

/** The request header that says who asks; headers are ASCII, so the name is percent-encoded. */
export function actorMetadata({ actor }: Settings): Metadata {
  const metadata = new Metadata();
  if (actor !== undefined) metadata.set("seamless-actor", encodeURIComponent(actor));
  return metadata;
}
