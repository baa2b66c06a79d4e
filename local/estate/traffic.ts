import type { Screen } from "../screen.ts";
import type { Estate } from "./estate.ts";

/** The verdicts about what consumers asked of the providers, and what Rekey did. */
export function showTraffic(
  shown: Screen,
  seen: { readonly estate: Estate; readonly failedRequests: number; readonly overBudget: number },
): void {
  const { estate, failedRequests, overBudget } = seen;
  const { requests } = estate.fleet.tally();
  shown.verdict({
    isGood: failedRequests === 0,
    text: `${requests} requests served, ${failedRequests} failed`,
  });
  const calls = estate.accounts.reduce((sum, each) => sum + each.calls(), 0);
  shown.verdict({
    isGood: overBudget === 0,
    text: `${calls} calls of providers, ${overBudget} over a budget`,
  });
}
