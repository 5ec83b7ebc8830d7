/** What a call does: looks, changes lists and traffic, or changes what there is. Each includes those before it. */
export const VERBS = ["read", "deploy", "admin"] as const;
export type Verb = (typeof VERBS)[number];

/** Who asks, and what he may. */
export interface Principal {
  /** Verified; "" if nobody has to say who he is. */
  readonly name: string;
  readonly verbs: ReadonlySet<Verb>;
  /** undefined: all. */
  readonly services: ReadonlySet<string> | undefined;
}

/** What a token may be called. */
export const PRINCIPAL_NAME = {
  pattern: /^[\w.@:-]{1,64}$/,
  form: "1 to 64 letters, digits or any of . _ @ : -",
} as const;

/** Where no credential is asked for. */
export const ANYONE: Principal = { name: "", verbs: new Set(VERBS), services: undefined };

/** @param verbs as they were granted */
export function withLesserVerbs(verbs: readonly Verb[]): ReadonlySet<Verb> {
  const highest = Math.max(...verbs.map((verb) => VERBS.indexOf(verb)));
  return new Set(VERBS.slice(0, highest + 1));
}
