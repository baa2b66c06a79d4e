import type { AdminDeps } from "../../deps.ts";
import { CampaignInput, foretold } from "../campaign/campaign.ts";
import type { Given, What } from "./what.ts";

const namesShownMax = 20;

/** A preview needs nobody else. The order is the one that the digest of the preview names, or it is refused. */
export async function campaigning(given: Given, deps: AdminDeps): Promise<What | undefined> {
  const input = CampaignInput.safeParse(given);
  if (!input.success || input.data.digest === undefined) return undefined;
  const found = await foretold(input.data, deps);
  if ("refusal" in found || found.digest !== input.data.digest) return undefined;
  const { title, keys, digest } = found;
  const { destination, reason } = input.data;
  const abused = keys.filter(({ plan }) => plan === "contain-first").map(({ name }) => name);
  const people = keys.filter(({ person }) => person !== undefined);
  return {
    order: "campaign: every one of these keys is replaced, and contained within 15 minutes",
    ...{ covers: title, keys: String(keys.length), preview: digest, reason },
    containedBeforeConsumersMove: namesOf(abused),
    needPeople: String(people.length),
    ...(destination !== undefined && { nothingIsWrittenTo: destination }),
    ...(input.data.own.length > 0 && { ownCredentials: namesOf(input.data.own) }),
  };
}

function namesOf(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const more = names.length > namesShownMax ? ` and ${names.length - namesShownMax} more` : "";
  return `${names.slice(0, namesShownMax).join(", ")}${more}`;
}
