import * as z from "zod";
import { copiesOf } from "../../../core/copies/declared.ts";
import { nearest } from "../../../core/nearest.ts";
import type { Policy } from "../../../core/policy.ts";
import { type RefusedAnswer, refused } from "../command.ts";
import { secretText } from "../inputs.ts";

/** Each of its keys is an item, and one look at the campaign reads all of them. */
export const campaignKeysMax = 2_000;

/** What a campaign covers: exactly one of these. */
export const coverShape = {
  all: z.literal(true).optional(),
  provider: z.string().min(1).max(64).optional(),
  environment: z.string().min(1).max(64).optional(),
  destination: z.string().min(1).max(64).optional(),
  secrets: z.array(secretText).min(1).max(campaignKeysMax).optional(),
};

export interface Covers {
  readonly all?: true | undefined;
  readonly provider?: string | undefined;
  readonly environment?: string | undefined;
  readonly destination?: string | undefined;
  readonly secrets?: readonly string[] | undefined;
}

type Covered =
  | { readonly title: string; readonly policies: readonly Policy[] }
  | { readonly refusal: RefusedAnswer };

/** The secrets that a person means. A name that matches nothing is probably a typing mistake, and is refused. */
export function coveredBy(covers: Covers, policies: readonly Policy[]): Covered {
  const { all, provider, environment, destination, secrets } = covers;
  const given = Object.values({ all, provider, environment, destination, secrets });
  if (given.filter((one) => one !== undefined).length !== 1) {
    const detail = "say which keys: --all, --provider, --environment, --tag, --destination or --file";
    return { refusal: refused({ reason: "TargetUnclear", detail }) };
  }
  if (secrets !== undefined) return listed(secrets, policies);
  if (all) return within({ title: "all", policies }, { named: "all", names: [] });
  const [word, name, namesIn] = wordOf({ provider, environment, destination });
  const found = policies.filter((policy) => namesIn(policy).includes(name));
  return within(
    { title: `${word} ${name}`, policies: found },
    { named: name, names: policies.flatMap(namesIn) },
  );
}

type NamesIn = (policy: Policy) => readonly string[];

function wordOf({ provider, environment, destination = "" }: Covers): readonly [string, string, NamesIn] {
  if (provider !== undefined) return ["provider", provider, (policy) => [policy.provider.account]];
  if (environment !== undefined) return ["environment", environment, (policy) => [policy.environment]];
  return ["destination", destination, (policy) => copiesOf(policy).map(({ to }) => to)];
}

function within(
  found: { readonly title: string; readonly policies: readonly Policy[] },
  { named, names }: { readonly named: string; readonly names: readonly string[] },
): Covered {
  const { title, policies } = found;
  if (policies.length === 0) {
    const meant = nearest(named, names);
    const hint = meant === undefined ? "see what there is with `rekey status`" : `did you mean ${meant}?`;
    return { refusal: refused({ reason: "UnknownTarget", detail: `no policy is of ${title}`, hint }) };
  }
  if (policies.length <= campaignKeysMax) return found;
  const detail = `${title} has ${policies.length} keys, and one campaign takes ${campaignKeysMax}`;
  return { refusal: refused({ reason: "TooManyKeys", detail, hint: "open one for each provider account" }) };
}

function listed(secrets: readonly string[], policies: readonly Policy[]): Covered {
  const meant = new Set(secrets);
  const found = policies.filter(({ name, secretArn }) => meant.has(name) || meant.has(secretArn));
  const known = new Set(found.flatMap(({ name, secretArn }) => [name, secretArn]));
  const unknown = [...meant].filter((each) => !known.has(each));
  if (unknown.length === 0) return { title: `${found.length} secrets of a list`, policies: found };
  const shown = unknown.slice(0, 5).join(", ");
  const detail = `no policy is about ${shown}${unknown.length > 5 ? ` and ${unknown.length - 5} more` : ""}`;
  return { refusal: refused({ reason: "UnknownSecret", detail: detail.slice(0, 800) }) };
}
