import type { TableKey } from "../../../core/ports.ts";
import type { AdminDeps } from "../../deps.ts";
import type { Given, What } from "./what.ts";

/** An order that waits for another person. Its fields lie beside it, because a policy file may be large. */
export interface OrderWaiting {
  readonly order: string;
  readonly command: string;
  readonly what: What;
  readonly askedBy: string;
  readonly askedAtMs: number;
  /** After that it has to be asked again. */
  readonly untilMs: number;
  readonly parts: number;
  readonly inputSha256: string;
  readonly shown?: { readonly digest: string; readonly to: string; readonly untilMs: number };
  readonly approvedBy?: string;
  readonly approvedAtMs?: number;
  /** How the command ended. */
  readonly outcome?: string;
}

/** An order may wait for so long, and is remembered for so long. */
export const pendingMs = 24 * 3_600_000;
const rememberedMs = 30 * 24 * 3_600_000;
/** More waiting orders than anybody looks through are a mistake, or meant to hide one. */
export const pendingMax = 50;
/** The text is ASCII, and DynamoDB takes 400 KB. */
const partLength = 300_000;

type Documents = Pick<AdminDeps, "ledger">;

const keyOf = (order: string): TableKey => ({ kind: "ORDER", id: "waiting", sort: order });
const partOf = (order: string, part: number): TableKey => ({
  ...{ kind: "ORDER", id: order, sort: String(part).padStart(3, "0") },
});

export async function waitingOrders(nowMs: number, { ledger }: Documents): Promise<readonly OrderWaiting[]> {
  const all = await ledger.documents.all<OrderWaiting>({ kind: "ORDER", id: "waiting" });
  return all.filter(({ approvedBy, untilMs }) => approvedBy === undefined && nowMs <= untilMs);
}

export function waitingOrder(order: string, { ledger }: Documents): Promise<OrderWaiting | undefined> {
  return ledger.documents.read<OrderWaiting>(keyOf(order));
}

export async function keepWaiting(
  { given, ...order }: Omit<OrderWaiting, "parts" | "inputSha256"> & { readonly given: Given },
  { ledger, digest }: Pick<AdminDeps, "ledger" | "digest">,
): Promise<OrderWaiting> {
  const text = asciiJson(given);
  const parts = Math.ceil(text.length / partLength);
  const forgetAtMs = order.askedAtMs + rememberedMs;
  for (let part = 0; part < parts; part += 1) {
    const body = { text: text.slice(part * partLength, (part + 1) * partLength) };
    await ledger.documents.change(partOf(order.order, part), () => body, { forgetAtMs });
  }
  const kept = { ...order, parts, inputSha256: digest.sha256Hex(text) };
  return ledger.documents.change<OrderWaiting>(keyOf(order.order), (stored) => stored ?? kept, {
    forgetAtMs,
  });
}

/** What was asked. Undefined if it is no longer what was asked: then nobody approves it. */
export async function givenOf(
  { order, parts, inputSha256 }: OrderWaiting,
  { ledger, digest }: Pick<AdminDeps, "ledger" | "digest">,
): Promise<Given | undefined> {
  const numbers = Array.from({ length: parts }, (_, part) => part);
  const texts = await Promise.all(
    numbers.map((part) => ledger.documents.read<{ readonly text: string }>(partOf(order, part))),
  );
  const text = texts.map((part) => part?.text ?? "").join("");
  return digest.sha256Hex(text) === inputSha256 ? (JSON.parse(text) as Given) : undefined;
}

export function changeWaiting(
  order: string,
  edit: (now: OrderWaiting) => OrderWaiting,
  { ledger }: Documents,
): Promise<OrderWaiting> {
  return ledger.documents.change<OrderWaiting>(keyOf(order), (stored) => {
    if (stored === undefined) throw new Error(`there is no order ${order}`);
    return edit(stored);
  });
}

/** A part must not end between the halves of a character. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
