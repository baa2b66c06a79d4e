import { failureIn } from "../aws/failure.ts";
import type { PlaceRefusal } from "../core/copies/destination.ts";
import { CopyRefused, ProviderThrottled, ProviderUnavailable } from "../core/errors.ts";

/** One call of an AWS client, with its failure in a destination's words. The message may quote what was sent. */
export async function awsCall<Answer>(what: string, call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    const { kind, name: said } = failureIn(error);
    if (isUnreadable(error)) throw new ProviderUnavailable(`AWS answered something else: ${what}`);
    // A proxy's page, or an answer that was tampered with, may have anything in place of a code.
    const name = /^[A-Za-z]{1,64}$/.test(said) ? said : "unknown";
    if (kind === "throttled") throw new ProviderThrottled(`AWS asks for fewer calls: ${what} (${name})`);
    if (kind === "unavailable") throw new ProviderUnavailable(`AWS did not answer: ${what} (${name})`);
    throw new CopyRefused(`AWS refused: ${what} (${name})`);
  }
}

/** A page of a proxy in place of the answer: the status says success, and the body cannot be read. */
function isUnreadable(error: unknown): boolean {
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  return ($metadata?.httpStatusCode ?? 500) < 400;
}

/** Undefined where the call fails with one of these names. */
export async function unless<Answer>(
  names: readonly string[],
  call: () => Promise<Answer>,
): Promise<Answer | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && names.includes(error.name)) return undefined;
    throw error;
  }
}

/** What AWS refuses while it is asked whose place this is was refused to the role. */
export async function placeRefusal(
  ask: () => Promise<PlaceRefusal | undefined>,
): Promise<PlaceRefusal | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof CopyRefused) return { reason: "CredentialRefused", detail: error.message };
    throw error;
  }
}
