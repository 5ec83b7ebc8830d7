/** A request target (RFC 9112, section 3.2) in its parts, as they came: nothing is decoded or resolved. */
export interface RequestTarget {
  /** Of the absolute form, `http://authority/path`. */
  readonly authority: string | undefined;
  readonly path: string;
  readonly query: string;
}

export function splitTarget(target: string): RequestTarget {
  const match = /^(?:[a-z][a-z0-9+.-]*:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?/i.exec(target);
  return { authority: match?.[1], path: match?.[2] ?? "", query: match?.[3] ?? "" };
}
