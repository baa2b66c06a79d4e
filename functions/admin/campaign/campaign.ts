import * as z from "zod";
import { deploymentChain } from "../../../audit/chain.ts";
import { together } from "../../../consumers/together.ts";
import { campaignKeys, campaignScope } from "../../../core/campaign/order.ts";
import { figuresOf } from "../../../core/campaign/progress.ts";
import type { Campaign, CampaignKey } from "../../../core/campaign/record.ts";
import { deadlineAfterMs } from "../../../core/incident/plan.ts";
import type { AdminDeps } from "../../deps.ts";
import { adminCommand, type Caller, type RefusedAnswer, refused } from "../command.ts";
import { reasonText, secretText } from "../inputs.ts";
import { candidatesFor } from "./candidates.ts";
import { type Covers, campaignKeysMax, coveredBy, coverShape } from "./covered.ts";

const listOfSecrets = z.array(secretText).max(campaignKeysMax).default([]);

export const CampaignInput = z.strictObject({
  command: z.literal("campaign"),
  ...coverShape,
  /** How the person found the listed secrets, for people: "tag team=shop". */
  listedBy: z.string().min(1).max(100).optional(),
  abused: listOfSecrets,
  /** ARNs of admin credentials. None of them is touched unless it stands here. */
  own: listOfSecrets,
  reason: reasonText,
  /** Of the preview. Without it nothing is opened: the answer is the preview. */
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

const atOnceMax = 16;

/** Opens one incident for each of many keys, under one clock. First it shows which, and what two people confirm. */
export const campaign = adminCommand({
  input: CampaignInput,
  run: async ({ input, caller }, deps) => {
    const found = await foretold(input, deps);
    if ("refusal" in found) return found.refusal;
    const { title, keys, digest } = found;
    const shown = { title, digest, figures: figuresOf(keys), keys: keys.map(shownKey) };
    if (input.digest === undefined) return { outcome: "preview", ...shown };
    if (input.digest !== digest) return changed();
    const opened = campaignOf({ caller, title, keys, reason: input.reason, destination: input.destination });
    await open(opened, keys, deps);
    await deps.audit.append(deploymentChain, {
      id: `${caller.requestId}/campaign`,
      atMs: caller.atMs,
      actor: caller.principal,
      action: "CampaignOpened",
      detail: {
        campaignId: opened.campaignId,
        about: title,
        keys: keys.length,
        digest,
        reason: input.reason,
      },
    });
    return { outcome: "opened", campaignId: opened.campaignId, ...shown };
  },
});

interface Foretold {
  readonly title: string;
  readonly keys: readonly CampaignKey[];
  /** Of exactly these keys, and of which of them are contained before their consumers have moved. */
  readonly digest: string;
}

type Asked = Covers & Pick<z.output<typeof CampaignInput>, "abused" | "own" | "listedBy">;

/** Writes nothing and calls no provider. */
export async function foretold(
  asked: Asked,
  deps: AdminDeps,
): Promise<Foretold | { readonly refusal: RefusedAnswer }> {
  const all = await deps.ledger.policies();
  const covered = coveredBy(
    asked,
    all.filter(({ isAdminCredential }) => isAdminCredential !== true),
  );
  if ("refusal" in covered) return covered;
  const { policies } = covered;
  const named = new Set(policies.flatMap(({ name, secretArn }) => [name, secretArn]));
  const stranger = asked.abused.find((each) => !named.has(each));
  if (stranger !== undefined) return { refusal: notCovered(stranger) };
  const admins = new Set(all.flatMap(({ provider }) => provider.adminCredential ?? []));
  const foreign = asked.own.find((each) => !admins.has(each));
  if (foreign !== undefined) return { refusal: noAdminCredential(foreign) };
  const keys = campaignKeys(await candidatesFor({ ...asked, policies }, deps));
  const title = asked.listedBy ?? covered.title;
  return { title, keys, digest: deps.digest.sha256Hex([title, campaignScope(keys)].join("\n")) };
}

function notCovered(name: string): RefusedAnswer {
  const detail = `${name.slice(0, 300)} is not among the secrets of this campaign`;
  return refused({ reason: "UnknownSecret", detail, hint: "name it as it stands in rekey.yml" });
}

function noAdminCredential(named: string): RefusedAnswer {
  const detail = `${named.slice(0, 300)} is no admin credential of a policy`;
  return refused({ reason: "UnknownSecret", detail, hint: "give its ARN, as in rekey.yml" });
}

function changed(): RefusedAnswer {
  const detail = "what the campaign would do has changed since that preview";
  return refused({
    reason: "AnotherOrder",
    detail,
    hint: "look at it again: the same command without --digest",
  });
}

function shownKey({ place, name, environment, account, wave, plan, why, person }: CampaignKey) {
  return { place, name, environment, account, wave, plan, why, ...(person !== undefined && { person }) };
}

function campaignOf(order: {
  readonly caller: Caller;
  readonly title: string;
  readonly keys: readonly CampaignKey[];
  readonly reason: string;
  readonly destination: string | undefined;
}): Campaign {
  const { caller, title, keys, reason, destination } = order;
  const { principal: by, atMs, requestId, approvedBy } = caller;
  return {
    campaignId: `c-${requestId}`.slice(0, 80),
    ...{ title, reason, by, openedAtMs: atMs, deadlineAtMs: atMs + deadlineAfterMs, status: "running" },
    ...(approvedBy !== undefined && { approvedBy }),
    ...(destination !== undefined && { destination }),
    ...{ keys: keys.length, failuresAccepted: 0, figures: figuresOf(keys), pages: [] },
    timeline: [{ atMs, what: "opened", detail: `${title}: ${reason}`, by }],
  };
}

/** The breach first, so that no replacement is written there; the campaign last, so that nobody works on half of it. */
async function open(opened: Campaign, keys: readonly CampaignKey[], { ledger }: AdminDeps): Promise<void> {
  const { campaignId, destination, by, openedAtMs: sinceMs } = opened;
  if (destination !== undefined)
    await ledger.campaigns.putCampaignBreach({ destination, campaignId, by, sinceMs });
  await together(keys, { atOnceMax, work: (key) => ledger.campaigns.addCampaignKey(campaignId, key) });
  await ledger.campaigns.openCampaign(opened);
}
