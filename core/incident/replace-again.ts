import type { IncidentRecord } from "./record.ts";

/** What ends by itself: a crowded account or ledger, a provider or a call that did not answer. */
const passing: ReadonlySet<string> = new Set([
  ...["AccountBusy", "ProviderThrottled", "ProviderUnavailable", "ProviderGarbled", "MintOutcomeUnknown"],
  ...["StoreUnavailable", "LedgerContended", "States.Timeout", "Sandbox.Timedout", "Runtime.ExitError"],
  ...["Lambda.ClientExecutionTimeoutException", "Lambda.ServiceException", "Lambda.AWSLambdaException"],
  ...["Lambda.SdkClientException", "Lambda.TooManyRequestsException", "Lambda.Unknown"],
]);

/** Longer than the machine tries one step, so that no key is contained while its replacement is still tried. */
const oneTryMs = 3 * 60_000;

/**
 * True where a campaign begins a replacement again that failed for a while only. A thousand keys at once make calls
 * slow, and a campaign that took this for broken keys would pause itself because of its own load.
 */
export function isReplacedAgain(
  { campaignId, containByMs = 0 }: Pick<IncidentRecord, "campaignId" | "containByMs">,
  { error, atMs }: { readonly error: string; readonly atMs: number },
): boolean {
  return campaignId !== undefined && passing.has(error) && atMs < containByMs - oneTryMs;
}
