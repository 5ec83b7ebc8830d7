import { clientConnection, endpointOf } from "../client-connection.js";
import type { Ending, EngineEvent } from "../engine.js";
import { CAUSES, errnoName, type NativeEvent } from "./native-events.js";

/** What is known here of an event's numbers. */
export interface Known {
  readonly idPrefix: string;
  /** Whose slot it is; undefined of one that was forgotten. */
  readonly target: string | undefined;
}

/** What is to be passed on of what a thread has told; undefined: nothing, it is for this engine alone. */
export function reportOf(event: NativeEvent, { idPrefix, target }: Known): EngineEvent | undefined {
  const { type, reason, number, more } = event;
  const connection = clientConnection(idPrefix, event.connection, event.source);
  if (type === "refused") return reason === "paused" ? undefined : { type, connection, reason };
  if (type === "ended") {
    const { waitMs, openMs, bytesIn, bytesOut } = event;
    const cause = CAUSES[number] as Ending["cause"];
    const used = more === 1 ? target : undefined;
    return { type, connection, target: used, cause, waitMs, openMs, bytesIn, bytesOut };
  }
  if (target === undefined) return undefined;
  if (type === "connect-failed")
    return {
      type,
      connection,
      target,
      tried: endpointOf(event.tried),
      code: errnoName(number),
      consecutive: more,
    };
  return type === "connect-recovered" ? { type, target } : undefined;
}
