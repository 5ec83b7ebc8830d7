import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** What a collector understands of a span. */
export interface CollectedSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** "" for a root. */
  readonly parentId: string;
  readonly traceState: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly durationNs: bigint;
  /** 0 unset, 2 error. */
  readonly status: number;
  /** Of the process that it comes from. */
  readonly resource: Readonly<Record<string, string | number>>;
}

/** The values of each field of a message, by number. */
type Fields = ReadonlyMap<number, readonly (Uint8Array | bigint)[]>;

/** Reads `ExportTraceServiceRequest` by the numbers of opentelemetry/proto/{collector/trace,trace,common}/v1. */
export function decodeTraces(message: Uint8Array): CollectedSpan[] {
  return messages(read(message), 1).flatMap((resourceSpans) => {
    const [resource = new Map() as Fields] = messages(resourceSpans, 1);
    const of = attributes(resource, 1);
    return messages(resourceSpans, 2).flatMap((scopeSpans) =>
      messages(scopeSpans, 2).map((span) => toSpan(span, of)),
    );
  });
}

function toSpan(span: Fields, resource: CollectedSpan["resource"]): CollectedSpan {
  const hex = (field: number): string => Buffer.from(bytes(span, field)).toString("hex");
  const [status = new Map() as Fields] = messages(span, 15);
  return {
    name: text(span, 5),
    kind: Number(number(span, 6)),
    traceId: hex(1),
    spanId: hex(2),
    parentId: hex(4),
    traceState: text(span, 3),
    attributes: attributes(span, 9),
    durationNs: number(span, 8) - number(span, 7),
    status: Number(number(status, 3)),
    resource,
  };
}

function attributes(message: Fields, field: number): Record<string, string | number> {
  return Object.fromEntries(
    messages(message, field).map((pair) => {
      const [value = new Map() as Fields] = messages(pair, 2);
      return [text(pair, 1), value.has(1) ? text(value, 1) : Number(number(value, 3))];
    }),
  );
}

function read(message: Uint8Array): Fields {
  const reader = new BinaryReader(message);
  const fields = new Map<number, (Uint8Array | bigint)[]>();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const value =
      type === WireType.LengthDelimited
        ? reader.bytes()
        : type === WireType.Bit64
          ? BigInt(reader.fixed64())
          : type === WireType.Varint
            ? BigInt(reader.uint64())
            : BigInt(reader.fixed32());
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

const bytes = (message: Fields, field: number): Uint8Array => {
  const value = message.get(field)?.[0];
  return value instanceof Uint8Array ? value : new Uint8Array();
};
const text = (message: Fields, field: number): string => Buffer.from(bytes(message, field)).toString();
const number = (message: Fields, field: number): bigint => {
  const value = message.get(field)?.[0];
  return typeof value === "bigint" ? value : 0n;
};
const messages = (message: Fields, field: number): Fields[] =>
  (message.get(field) ?? []).map((value) => read(value as Uint8Array));
