import * as z from "zod";
import type { AdminDeps } from "../deps.ts";
import type { Caller } from "./command.ts";

/** The body of a command: the order as text, and what proves who gave it. */
const Envelope = z.strictObject({
  order: z.string().max(2_000_000),
  proof: z.strictObject({
    authorization: z.string().max(1_024),
    date: z.string().regex(/^\d{8}T\d{6}Z$/),
    securityToken: z.string().max(8_192).optional(),
  }),
});

/** An order is good for so long, and once. */
const proofMsMax = 5 * 60_000;
/** A spent order is remembered until its proof has long been too old. */
const rememberedMs = 6 * proofMsMax;

interface Arrived {
  readonly body: string;
  /** Who AWS says has signed the request to the URL. */
  readonly userArn: string;
  readonly atMs: number;
}

type Known = { readonly caller: Caller; readonly order: string } | { readonly refusal: string };

/**
 * Whoever may invoke this function directly writes the whole event, the caller's name in it included. So who orders is
 * not read from the event: AWS says whose credentials signed the order, and each signature counts once.
 */
export async function whoOrdered({ body, userArn, atMs }: Arrived, deps: AdminDeps): Promise<Known> {
  const envelope = Envelope.safeParse(jsonIn(body));
  if (!envelope.success) return { refusal: withoutProof(body) };
  const { order, proof } = envelope.data;
  const nowMs = deps.clock.nowMs();
  if (Math.abs(nowMs - signedAtMs(proof.date)) > proofMsMax || Math.abs(nowMs - atMs) > proofMsMax)
    return { refusal: "the order was signed more than 5 minutes ago, or by a clock that is wrong" };

  const orderSha256 = deps.digest.sha256Hex(order);
  const signer = await deps.identifyCaller({ proof, orderSha256 });
  if ("refusal" in signer) return signer;
  if (signer.signedBy !== userArn)
    return { refusal: "the order was signed by somebody else than the request" };
  if (!(await isFirstUse(orderSha256, { deps, nowMs }))) return { refusal: "the order was given before" };
  return { order, caller: { principal: signer.principal, atMs, requestId: orderSha256.slice(0, 32) } };
}

/** A command line from before proofs sends the command alone. */
function withoutProof(body: string): string {
  const given = z.looseObject({ command: z.string() }).safeParse(jsonIn(body));
  return given.success
    ? "this rekey is older than its deployment and does not prove who gives the order: upgrade it"
    : "the order does not prove who gives it";
}

/** The same words with a new nonce are a new order. */
async function isFirstUse(
  sha256: string,
  { deps, nowMs }: { readonly deps: AdminDeps; readonly nowMs: number },
): Promise<boolean> {
  const claim = deps.newId();
  const spent = await deps.ledger.documents.change<{ readonly claim: string }>(
    { kind: "ORDER", id: sha256, sort: "spent" },
    (stored) => stored ?? { claim },
    { forgetAtMs: nowMs + rememberedMs },
  );
  return spent.claim === claim;
}

function signedAtMs(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
