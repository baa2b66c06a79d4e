import { durationText } from "../../../core/duration.ts";
import { isQuarantinable, isRekeysOwn, planFor } from "../../../core/incident/plan.ts";
import { type ConsumerPolicy, isRotated, type Policy } from "../../../core/policy.ts";
import type { VersionId } from "../../../core/ports.ts";
import type { AdminDeps } from "../../deps.ts";
import { type Identified, identifyKeys } from "../../key-index/identify-key.ts";
import { ownCredential, worstHolder } from "../../key-index/own-credential.ts";
import type { Caller } from "../command.ts";
import type { Leak } from "./target.ts";

interface Facts {
  readonly exposure: "public" | "private" | "unknown";
  readonly plan?: "contain-first" | "switch-first";
  readonly caller: Caller;
}

/** The effects that reporting one key would have. */
export interface Foretold {
  readonly key: string;
  /** What it is, if it is one of Rekey's own credentials. */
  readonly own?: string;
  readonly match: string;
  readonly plan: string;
  readonly planWhy: string;
  readonly secrets: readonly {
    readonly name: string;
    readonly environment: string;
    readonly state: string;
  }[];
  readonly consumers: readonly {
    readonly name: string;
    readonly environment: string;
    /**
     * The longest outage, from the moment the key stops. Under switch-first only for consumers that have not
     * moved by then.
     */
    readonly outage: string;
  }[];
  readonly reversible: string;
}

/** Writes nothing and calls no provider. */
export async function foretell(leak: Leak, facts: Facts, deps: AdminDeps): Promise<readonly Foretold[]> {
  const keys = await identifyKeys(leak.identity, deps);
  if (keys.length === 0) return [unknownKey(leak)];
  return Promise.all(keys.map((key) => foretellKey(key, facts, deps)));
}

function unknownKey({ identity }: Leak): Foretold {
  const { plan, why } = planFor({ match: "none", alerts: [], policies: [] });
  return {
    ...{ key: "unknown", match: identity.kind, plan, planWhy: why },
    ...{ secrets: [], consumers: [], reversible: "nothing would be changed: a person is asked" },
  };
}

async function foretellKey(key: Identified, facts: Facts, deps: AdminDeps): Promise<Foretold> {
  const arns = [...new Set(key.holders.map(({ secretArn }) => secretArn))];
  const policies = (await Promise.all(arns.map((arn) => deps.ledger.policy(arn)))).filter(
    (policy) => policy !== undefined,
  );
  const holder = worstHolder(key.holders);
  const isOwn = holder !== undefined && isRekeysOwn(holder);
  const own = isOwn ? ownCredential(holder, await deps.ledger.policies()).what : undefined;
  const named = own === undefined ? {} : { own };
  const choice = planFor({ ...planQuestion(key, policies, facts), ...named });
  return {
    key: key.keyId ?? key.fingerprint?.slice(0, 20) ?? "unknown",
    ...named,
    match: `${key.match.by} ${key.match.text}`,
    ...{ plan: choice.plan, planWhy: choice.why },
    secrets: await Promise.all(policies.map((policy) => stateOf(policy, key, deps))),
    consumers: policies.flatMap(({ consumers }) => (consumers === "none" ? [] : consumers.map(outageOf))),
    reversible: await reversibility(key, policies, deps),
  };
}

function planQuestion(key: Identified, policies: readonly Policy[], { exposure, plan, caller }: Facts) {
  const alert = { source: "person", exposure, verified: "unknown" as const };
  const asked = plan && { plan, by: caller.principal, reason: "with the report", atMs: caller.atMs };
  return {
    ...{ match: key.match.by, alerts: [alert], policies },
    ...(asked && { asked }),
  };
}

async function stateOf(policy: Policy, key: Identified, deps: AdminDeps) {
  const { name, environment } = policy;
  const read = !isRotated(policy) ? stateInStore : stateInLedger;
  return { name, environment, state: (await read(policy, key, deps)) ?? "not in use" };
}

async function stateInLedger({ secretArn }: Policy, { keyId }: Identified, deps: AdminDeps) {
  const { keys } = await deps.ledger.secret(secretArn);
  return keys.find((each) => keyId !== undefined && each.keyId === keyId)?.state;
}

/** Of a secret that is only watched the ledger knows no keys: the store says what it hands out. */
async function stateInStore({ secretArn }: Policy, { holders }: Identified, deps: AdminDeps) {
  const { current, pending } = await deps.store.versionsInUse(secretArn);
  const holds = (versionId: VersionId | undefined) =>
    versionId !== undefined &&
    holders.some((holder) => holder.secretArn === secretArn && holder.versionId === versionId);
  if (holds(current)) return "current";
  return holds(pending?.versionId) ? "pending" : undefined;
}

/** A consumer with client evidence refreshes at the first refusal; any other, when its cached key is stale. */
function outageOf({ name, environment, evidence, maxStaleMs }: ConsumerPolicy) {
  const isQuick = evidence.includes("client");
  const outage = isQuick
    ? "some seconds: it refreshes when it is refused"
    : `up to ${durationText(maxStaleMs)}`;
  return { name, environment, outage };
}

async function reversibility(
  { keyId }: Identified,
  policies: readonly Policy[],
  deps: AdminDeps,
): Promise<string> {
  const [policy] = policies;
  if (policy === undefined || keyId === undefined) return "a person has to contain it";
  const { capabilities } = deps.provider(policy);
  const records = await Promise.all(policies.map(({ secretArn }) => deps.ledger.secret(secretArn)));
  const known = records.flatMap(({ keys }) => keys.find((key) => key.keyId === keyId) ?? []);
  const hasScopes = known.some(({ scopes }) => scopes !== undefined);
  // No consumer reads it any more, so nobody needs an undo.
  const isHandedOut = known.some(({ state }) => state === "current" || state === "retiring");
  if (isHandedOut && isQuarantinable(capabilities, { hasScopes })) {
    return `disabled first, which can be undone for ${durationText(policy.soakMs)}; then deleted`;
  }
  return capabilities.revoke
    ? "deleted at once, which cannot be undone"
    : "a person has to delete it at the provider";
}
