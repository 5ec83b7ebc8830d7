import { ProxyError } from "../errors.js";

/** Flags, by their names in camel case, that mean nothing without another. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  tlsCert: ["tlsKey"],
  tlsKey: ["tlsCert"],
  tlsClientCa: ["tlsCert"],
  resetState: ["state"],
  storeTlsCa: ["store"],
  storeTlsCert: ["store", "storeTlsKey"],
  storeTlsKey: ["store", "storeTlsCert"],
  storeLogin: ["store"],
  proxyName: ["store"],
  proxyLease: ["store"],
  healthHost: ["health"],
  healthStatus: ["health"],
  healthInterval: ["health"],
  healthTimeout: ["health"],
  healthRise: ["health"],
  healthFall: ["health"],
};

export interface LonelyFlag {
  readonly flag: string;
  readonly needs: string;
}

/** Those of the given flags that would be ignored, since the one that they belong to is not given. */
export function lonelyFlags(given: readonly string[]): readonly LonelyFlag[] {
  return given.flatMap((flag) => {
    const needs = (Object.hasOwn(NEEDS, flag) ? NEEDS[flag] : undefined)?.find(
      (each) => !given.includes(each),
    );
    return needs === undefined ? [] : [{ flag, needs }];
  });
}

/** @throws ProxyError INVALID_ARGUMENT */
export function refuseLonelyFlags(given: readonly string[]): void {
  const lonely = lonelyFlags(given).map(
    ({ flag, needs }) => `${named(flag)} means nothing without ${named(needs)}`,
  );
  if (lonely.length > 0) throw new ProxyError("INVALID_ARGUMENT", lonely.join("; "));
}

const named = (flag: string): string => `--${spelled(flag, "-")}`;

/** `proxyName` as `proxy-name` or `proxy_name`. */
export function spelled(flag: string, separator: "-" | "_"): string {
  return flag.replaceAll(/[A-Z]/g, (letter) => `${separator}${letter.toLowerCase()}`);
}
