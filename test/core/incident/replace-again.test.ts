import { isReplacedAgain } from "../../../core/incident/replace-again.ts";

const minute = 60_000;
const ofCampaign = { campaignId: "c-1", containByMs: 10 * minute };

test("a campaign begins a replacement again that only failed for a while, as long as there is time for it", () => {
  const again = (error: string, atMs = 6 * minute) => isReplacedAgain(ofCampaign, { error, atMs });
  expect(
    ["ProviderThrottled", "LedgerContended", "Lambda.Unknown", "AccountBusy"].map((each) => again(each)),
  ).toEqual([true, true, true, true]);
  expect(["QuotaReached", "Superseded", "UnexpectedFailure"].map((each) => again(each))).toEqual([
    ...[false, false, false],
  ]);
  expect([again("LedgerContended", 7 * minute - 1), again("LedgerContended", 7 * minute)]).toEqual([
    true,
    false,
  ]);
});

test("an incident alone tells people at once, and so does one whose time is not known", () => {
  const failed = { error: "LedgerContended", atMs: 0 };
  expect(isReplacedAgain({ containByMs: 10 * minute }, failed)).toBe(false);
  expect(isReplacedAgain({ campaignId: "c-1" }, failed)).toBe(false);
});
