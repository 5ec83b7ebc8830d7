import { ProxyError } from "../../errors.js";
import { ANYONE, VERBS, type Principal, type Verb } from "./principal.js";
import type { TokenBook } from "./token-book.js";

/** What a caller has brought to show who he is. */
export interface Credentials {
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  /** The common name of a client certificate that was verified. */
  readonly certificate: string | undefined;
}

/** Decides who may ask for what. */
export interface Access {
  /** @throws ProxyError UNAUTHENTICATED */
  identify(credentials: Credentials): Principal;
  /** Whether a credential is asked for at all. */
  readonly isOpen: boolean;
}

/**
 * @param tokens the book in force; undefined: no token is asked for. The TLS layer lets nobody in without a certificate
 * if it asks for one, so that who comes by one may do all that his token does not deny.
 */
export function createAccess(tokens: () => TokenBook | undefined): Access {
  return {
    get isOpen() {
      return tokens() === undefined;
    },
    identify({ authorization, certificate }) {
      const book = tokens();
      if (!book) return certificate === undefined ? ANYONE : { ...ANYONE, name: certificate };
      if (authorization === undefined) throw unauthenticated("a token is missing");
      const [, token = ""] = /^Bearer +(\S{1,512})$/i.exec(authorization) ?? [];
      const principal = book.find(token);
      if (!principal) throw unauthenticated("the token is not one that this proxy knows");
      return principal;
    },
  };
}

/**
 * What is not allowed is refused whether or not there is such a service.
 * @param service undefined: the call is about no service
 * @throws ProxyError PERMISSION_DENIED
 */
export function authorize(
  { name, verbs, services }: Principal,
  verb: Verb,
  service: string | undefined,
): void {
  if (!verbs.has(verb)) {
    const may = VERBS.filter((each) => verbs.has(each)).join(", ");
    throw new ProxyError("PERMISSION_DENIED", `the token '${name}' may not ${verb} (it may: ${may})`);
  }
  if (service === undefined || isVisible({ services }, service)) return;
  throw new ProxyError("PERMISSION_DENIED", `the token '${name}' is not for the service '${service}'`);
}

/** What is done to the process is done to every service. @throws ProxyError PERMISSION_DENIED */
export function authorizeForAll(principal: Principal, verb: Verb): void {
  authorize(principal, verb, undefined);
  if (principal.services === undefined) return;
  throw new ProxyError(
    "PERMISSION_DENIED",
    `the token '${principal.name}' is for some services only, and this is done to all of them`,
  );
}

export function isVisible({ services }: Pick<Principal, "services">, service: string): boolean {
  return services === undefined || services.has(service);
}

/** Runs what is asked for. That there is no such service is told without those that there are, if not all are for him. */
export function hideOthers<T>(
  { services }: Pick<Principal, "services">,
  service: string | undefined,
  act: () => T,
): T {
  const hide = (error: unknown): unknown =>
    services !== undefined && error instanceof ProxyError && error.code === "SERVICE_NOT_FOUND"
      ? new ProxyError(error.code, `service '${service ?? ""}' not found`)
      : error;
  try {
    const result = act();
    if (!(result instanceof Promise)) return result;
    return result.catch((error: unknown) => {
      throw hide(error);
    }) as T;
  } catch (error) {
    throw hide(error);
  }
}

const unauthenticated = (what: string): ProxyError =>
  new ProxyError("UNAUTHENTICATED", `${what}: send it in the header 'Authorization: Bearer TOKEN'`);
