import type { Author } from "../../control/history.js";
import type { Management } from "../../control/management.js";
import { ProxyError } from "../../errors.js";
import type { Logger } from "../../logger.js";

/** A call that changes something, or would have. */
export interface AuditedCall extends Author {
  /** Such as `set`. */
  readonly call: string;
  readonly service: string;
}

/**
 * Carries a call out, and logs one line: who, what, the revision before and after, from where, and how it went.
 * @param refusalOf why what was asked for was not done, if the result says so
 */
export async function audited<T>(
  call: AuditedCall,
  { management, logger }: { readonly management: Management; readonly logger: Logger },
  act: () => T | Promise<T>,
  refusalOf: (result: T) => string | undefined = () => undefined,
): Promise<T> {
  const revision = (): number | undefined => management.revisionOf(call.service);
  const before = revision();
  const tell = (outcome: string): void =>
    logger.info({ event: "audit", ...call, outcome, before, after: revision() }, "audit");
  try {
    const result = await act();
    tell(refusalOf(result) ?? "done");
    return result;
  } catch (error) {
    tell(error instanceof ProxyError ? error.code : "INTERNAL");
    throw error;
  }
}
