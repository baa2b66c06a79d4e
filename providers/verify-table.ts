import { ProviderGarbled, ProviderUnavailable } from "../core/errors.ts";
import type { VerifyResult } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import type { Http, HttpReply, HttpRequest } from "./http.ts";

/**
 * What an issuer's answers say about the key that asked. The first row that fits decides, and an answer that no row
 * names is inconclusive. A row that says `refused` has to be the issuer's own words about the key: a proxy's 401, an
 * outage or a missing permission must never count as the death of a key.
 */
export type VerifyTable = readonly VerifyRow[];

export interface VerifyRow {
  readonly status: number;
  /** Every one of these has to hold; none: the status alone decides. */
  readonly where?: readonly Condition[];
  readonly means: VerifyResult;
}

/** About the value at a JSON pointer into the reply's body; a step `*` stands for every member of a list. */
export interface Condition {
  readonly at: string;
  /** One of these values; `null` also stands for a value that is not there. */
  readonly is?: readonly (string | number | boolean | null)[];
  /** A part of the text, in whatever case. The text itself is kept nowhere: it may quote the key. */
  readonly has?: string;
  readonly type?: "string" | "object" | "list";
}

/** What the table says about one reply. */
export function verdictOf({ status, json }: HttpReply, table: VerifyTable): VerifyResult {
  const row = table.find(
    (each) => each.status === status && (each.where ?? []).every((condition) => holds(condition, json)),
  );
  return row?.means ?? "inconclusive";
}

/** Longer texts and others than printable ASCII are no key; sending one could break the request. */
const sendable = /^[\x21-\x7e]{1,4096}$/;

/** Makes the one call that shows whether a key lives. It is a use of the key. */
export async function verifyBy(
  secret: Secret,
  call: {
    readonly http: Http;
    readonly table: VerifyTable;
    request(text: string): HttpRequest;
  },
): Promise<VerifyResult> {
  const text = secret.reveal();
  // A text that was never sent was not refused either: "refused" would prove a key dead.
  if (!sendable.test(text)) return "inconclusive";
  try {
    return verdictOf(await call.http.send(call.request(text)), call.table);
  } catch (error) {
    if (error instanceof ProviderUnavailable || error instanceof ProviderGarbled) return "inconclusive";
    throw error;
  }
}

/** Whether a condition fits; also used for the other answers of a declared API. */
export function holds({ at, is, has, type }: Condition, json: unknown): boolean {
  const values = valuesAt(json, at.split("/").slice(1));
  return values.some(
    (value) =>
      (is === undefined || is.includes((value ?? null) as string | number | boolean | null)) &&
      (has === undefined || (typeof value === "string" && value.toLowerCase().includes(has.toLowerCase()))) &&
      (type === undefined || typeOf(value) === type),
  );
}

/** The value at a JSON pointer; undefined where there is none. */
export function valueAt(json: unknown, pointer: string): unknown {
  return valuesAt(json, pointer.split("/").slice(1))[0];
}

const membersMax = 100;

/** The values a pointer names; a place that is not there is one `undefined`. */
function valuesAt(json: unknown, steps: readonly string[]): readonly unknown[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [json];
  if (step === "*") {
    return Array.isArray(json) ? json.slice(0, membersMax).flatMap((each) => valuesAt(each, rest)) : [];
  }
  const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
  const isThere = typeof json === "object" && json !== null && Object.hasOwn(json, name);
  return isThere ? valuesAt((json as Readonly<Record<string, unknown>>)[name], rest) : [undefined];
}

function typeOf(value: unknown): "string" | "object" | "list" | undefined {
  if (Array.isArray(value)) return "list";
  if (typeof value === "string") return "string";
  return typeof value === "object" && value !== null ? "object" : undefined;
}
