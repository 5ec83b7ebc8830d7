/**
 * What is known after a failure:
 * - `unreachable`: it was surely not carried out (never sent, or refused before being carried out);
 * - `unknown`: it may have been carried out;
 * - `denied`: the login is wrong, or the user may not;
 * - `invalid`: etcd says that the request itself is wrong, so the same one will fail again.
 */
export type EtcdErrorKind = "unreachable" | "unknown" | "denied" | "invalid";

/** A call to etcd that failed. Its text never holds a password or token. */
export class EtcdError extends Error {
  override readonly name = "EtcdError";
  readonly kind: EtcdErrorKind;

  constructor(kind: EtcdErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
