import type { Policy } from "../core/policy.ts";
import type { Finding } from "./findings.ts";
import type { TagList, Tags } from "./read-tags.ts";
import type { Resources } from "./template.ts";

/** A secret or workload that Rekey's roles are denied unless it carries these tags. */
export interface Wanted {
  readonly arn: string;
  readonly tags: TagList;
}

/** What `tagged` in refreshAllowed goes by; docs/deploy.md. */
const forRefresh = { Rekey: "refresh" } as const;

const secretArn = /arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@-]+/g;
/** Of these Rekey changes something, so that the guard of its roles asks for the tag; an alias is its function's. */
const changed = /^(arn:[\w-]+:(?:ecs:[\w-]+:\d+:service\/.+|lambda:[\w-]+:\d+:function:[\w-]+))/;
const queue = /^arn:[\w-]+:sqs:.+/;

/**
 * Everything that the settings of the deployed functions name and that has to carry the tag of the environment, and the
 * workloads that policies refresh because of their tags. Rotated secrets are not among them: the admin function itself
 * says which of those it cannot reach.
 */
export function wantedTags(resources: Resources, policies: readonly Policy[]): readonly Wanted[] {
  const variables = variablesIn(resources);
  const Environment = variables.get("REKEY_ENVIRONMENT");
  // Another deployment's template, where a shell has the variables of this one.
  const isOther = policies.length > 0 && !policies.some(({ environment }) => environment === Environment);
  if (Environment === undefined || isOther) return [];
  const allowed: readonly string[] = JSON.parse(variables.get("REKEY_REFRESH_ALLOWED") ?? "[]");
  const secrets = [...variables.values()].flatMap((text) => text.match(secretArn) ?? []);
  const workloads = allowed.flatMap((target) => changed.exec(target)?.[1] ?? []);
  const wanted = new Map([...secrets, ...workloads].map((arn) => [arn, { Environment } as TagList]));
  if (allowed.includes("tagged"))
    for (const arn of refreshed(policies, allowed)) wanted.set(arn, { Environment, ...forRefresh });
  return [...wanted].map(([arn, tags]) => ({ arn, tags }));
}

/** The values that the functions get as they are; what refers to another resource names nothing of the account's. */
function variablesIn(resources: Resources): ReadonlyMap<string, string> {
  const functions = Object.values(resources).filter(({ Type }) => Type === "AWS::Lambda::Function");
  return new Map(
    functions.flatMap(({ Properties = {} }) => {
      const { Variables = {} } = (Properties["Environment"] ?? {}) as { readonly Variables?: object };
      return Object.entries(Variables).flatMap(([name, value]) =>
        typeof value === "string" ? [[name, value] as const] : [],
      );
    }),
  );
}

function refreshed(policies: readonly Policy[], allowed: readonly string[]): readonly string[] {
  const targets = policies.flatMap(({ consumers }) =>
    consumers === "none" ? [] : consumers.flatMap(({ refresh }) => refresh.target ?? []),
  );
  return targets
    .filter((target) => !allowed.includes(target))
    .flatMap((target) => changed.exec(target)?.[1] ?? queue.exec(target)?.[0] ?? []);
}

/** What is in the account and lacks a tag. What could not be asked about is no finding. */
export function untagged(wanted: readonly Wanted[], { of }: Tags): readonly Finding[] {
  return wanted.flatMap(({ arn, tags }) => {
    const found = of.get(arn);
    const missing = Object.entries(tags).filter(([key, value]) => found?.[key] !== value);
    if (found === undefined || missing.length === 0) return [];
    const [[key = "", value = ""] = []] = missing;
    const message =
      found[key] === undefined
        ? `it has no tag ${key}=${value}, and Rekey's roles are denied what has not`
        : `its tag ${key} is ${found[key]}, and Rekey's roles are denied what has not ${key}=${value}`;
    const pairs = missing.map(([name, wants]) => `${name}=${wants}`).join(",");
    const hint = `where it is meant to be Rekey's: aws resourcegroupstaggingapi tag-resources --resource-arn-list ${arn} --tags ${pairs}`;
    return [{ severity: "problem", about: arn, message, hint }];
  });
}
