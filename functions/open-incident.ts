import * as z from "zod";
import { InputInvalid, RotationError } from "../core/errors.ts";
import { refOf, told } from "../core/incident.ts";
import { escalateAt, planFor } from "../core/incident-plan.ts";
import type { IncidentRecord, KeyInScope, SecretInScope } from "../core/incident-record.ts";
import type { Policy } from "../core/policy.ts";
import { announce } from "./announce.ts";
import type { Deps } from "./deps.ts";
import { aliasOfKeyId, type Holder } from "./identify-key.ts";
import { changeIncident } from "./incident-change.ts";
import { planFacts, policiesOf } from "./incident-policy.ts";
import { onLambda, stampedAt, step } from "./step.ts";
import { type TakenSecret, takeForIncident, unusable, watchedOnly } from "./take-secret.ts";
import { wiring } from "./wiring.ts";

export const incidentIdText = z.string().regex(/^[\w-]{1,80}$/);

const OpenIncidentInput = z.object({
  incidentId: incidentIdText,
  executionArn: z.string().max(2048),
  at: stampedAt,
});
type OpenIncidentInput = z.output<typeof OpenIncidentInput>;

interface Opened {
  readonly outcome: "opened" | "over";
  readonly keys: readonly string[];
  readonly secrets: readonly { readonly secretArn: string; readonly fence: number; readonly from: string }[];
}

/** Finds every secret that holds the key, takes each from whatever run has it, sets the clock and the plan. */
export const openIncident = step({
  name: "open-incident",
  input: OpenIncidentInput,
  run: async (input, deps: Deps): Promise<Opened> => {
    const record = await deps.ledger.incidents.incident(input.incidentId);
    if (record === undefined) throw new InputInvalid(`there is no incident ${input.incidentId}`);
    if (record.status === "closed" || record.status === "falseAlarm") {
      return { outcome: "over", keys: [], secrets: [] };
    }
    const taken = await takeAll({ record, input }, deps);
    const keys = await Promise.all(record.keys.map((key) => placed(key, { record, taken }, deps)));
    const opened = await decide({ record, input, taken, keys }, deps);
    await announce(openedEvent(opened), deps);
    return {
      outcome: "opened",
      keys: opened.keys.map(refOf),
      secrets: taken.flatMap(({ scope, from }) =>
        from === "none" || scope.fence === undefined
          ? []
          : [{ secretArn: scope.secretArn, fence: scope.fence, from }],
      ),
    };
  },
});

export const handler = onLambda(openIncident, wiring("open-incident"));

interface Opening {
  readonly record: IncidentRecord;
  readonly input: OpenIncidentInput;
}

async function takeAll(opening: Opening, deps: Deps): Promise<readonly TakenSecret[]> {
  const taken: TakenSecret[] = [];
  for (const key of opening.record.keys) {
    const holders = await holdersOf(key, deps);
    for (const [secretArn, versionId] of new Map(holders.map((each) => [each.secretArn, each.versionId]))) {
      if (taken.some(({ scope }) => scope.secretArn === secretArn)) continue;
      taken.push(await takeOne(opening, { key, secretArn, versionId }, deps));
    }
  }
  return taken;
}

/** The newest entry of a secret wins: a merged edit put the same key into a newer version. */
async function holdersOf({ keyId, fingerprint, secretArn, versionId, standing }: KeyInScope, deps: Deps) {
  const own: readonly Holder[] =
    secretArn === undefined || versionId === undefined || standing === "unknown"
      ? []
      : [{ secretArn, versionId, role: "rotated" }];
  const aliases = [fingerprint, keyId && aliasOfKeyId(keyId)].filter((alias) => alias !== undefined);
  const indexed = await Promise.all(aliases.map((alias) => deps.ledger.holders(alias)));
  const matching = indexed.flat().filter((entry) => entry.keyId === undefined || entry.keyId === keyId);
  return [...own, ...matching];
}

interface Held {
  readonly key: KeyInScope;
  readonly secretArn: string;
  readonly versionId: string;
}

async function takeOne(
  { record, input }: Opening,
  { key, secretArn, versionId }: Held,
  deps: Deps,
): Promise<TakenSecret> {
  const policy = await deps.ledger.policy(secretArn);
  const { keyId, fingerprint } = key;
  if (policy === undefined || policy.mode === "index" || keyId === undefined) {
    return { scope: await watchedOnly({ secretArn, versionId }, policy, deps), from: "none" };
  }
  const heldBefore =
    record.openedBy === input.executionArn &&
    record.secrets.some((known) => known.secretArn === secretArn && known.fence !== undefined);
  const { incidentId, executionArn, at: atMs } = input;
  const compromised = { keyId, ...(fingerprint !== undefined && { fingerprint }) };
  const taking = { incidentId, executionArn, atMs, policy, key: compromised, versionId, heldBefore };
  try {
    return await takeForIncident(taking, deps);
  } catch (error) {
    if (!(error instanceof RotationError) || error.retry !== "never") throw error;
    // One secret that cannot be read must not keep the key alive in all the others.
    return { scope: unusable(taking, `${error.name}: ${error.message}`), from: "none" };
  }
}

/** Where the key stands: the strongest of what its secrets say. */
async function placed(
  key: KeyInScope,
  { record, taken }: { readonly record: IncidentRecord; readonly taken: readonly TakenSecret[] },
  deps: Deps,
): Promise<KeyInScope> {
  if (record.match.by === "none") return lookedUp(key, deps);
  const standings = taken.map(({ scope }) => scope.standing);
  const standing = (["current", "incoming", "retiring", "unplaced"] as const).find((each) =>
    standings.includes(each),
  );
  const blocked = key.keyId === undefined ? { blocked: "the key's id at the provider is not known" } : {};
  return { ...key, ...blocked, standing: standing ?? "retired" };
}

/** Not in the ledger: one of our accounts may still list it, and then a person's word is enough to revoke it. */
async function lookedUp(key: KeyInScope, deps: Deps): Promise<KeyInScope> {
  const { keyId, provider } = key;
  if (keyId === undefined || provider === undefined || key.account !== undefined) return key;
  const asked = new Set<string>();
  for (const policy of await deps.ledger.policies()) {
    const { kind, account } = policy.provider;
    if (kind !== provider || asked.has(account)) continue;
    asked.add(account);
    if (!(await isListed({ policy, keyId }, deps))) continue;
    const blocked = `${account} lists this key, and no secret under Rekey is known to hold it: say contain-now`;
    return { ...key, account, secretArn: policy.secretArn, blocked };
  }
  return key;
}

/** A courtesy to the person who has to decide: an account that does not answer must not hold up the page. */
async function isListed({ policy, keyId }: { readonly policy: Policy; readonly keyId: string }, deps: Deps) {
  try {
    return (await deps.provider(policy).find(keyId)) !== undefined;
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    return false;
  }
}

interface Deciding extends Opening {
  readonly taken: readonly TakenSecret[];
  readonly keys: readonly KeyInScope[];
}

/** Everything that is decided at the opening, in one write; a repeat by the same execution decides nothing anew. */
async function decide({ record, input, taken, keys }: Deciding, deps: Deps): Promise<IncidentRecord> {
  const { at, executionArn } = input;
  const owned = await policiesOf(
    taken.map(({ scope }) => scope),
    deps,
  );
  return changeIncident(
    record.incidentId,
    (now) => {
      if (now.openedBy === executionArn) return { ...now, secrets: mergedScopes(now.secrets, taken) };
      const choice = planFor(planFacts(now, owned));
      const openedAtMs = now.openedAtMs ?? at;
      const escalateAfterMs = Math.min(
        ...owned.map(({ incident }) => incident.escalateAfterMs),
        defaultEscalateMs,
      );
      const containByMs = Math.min(...owned.map(({ incident }) => incident.containByMs), defaultContainByMs);
      const open: IncidentRecord = {
        ...now,
        ...{ status: "open", executionArn, openedBy: executionArn, openedAtMs, takenUpAtMs: at },
        ...{ plan: choice.plan, planWhy: choice.why },
        escalateAtMs: escalateAt({ openedAtMs, deadlineAtMs: now.deadlineAtMs, escalateAfterMs }),
        containByMs: openedAtMs + containByMs,
        keys: now.keys.map((key, index) => ({ ...key, ...standingOf(keys[index]) })),
        secrets: taken.map(({ scope }) => scope),
      };
      const fenced = taken.flatMap(({ fenced: name, scope }) =>
        name === undefined ? [] : [`${scope.name}: ${name} was taken over`],
      );
      const planned = told(open, { atMs: at, what: "planChosen", detail: `${choice.plan}: ${choice.why}` });
      return fenced.reduce(
        (next, detail) => told(next, { atMs: at, what: "rotationFenced", detail }),
        planned,
      );
    },
    deps,
  );
}

const defaultEscalateMs = 300_000;
const defaultContainByMs = 600_000;

function standingOf(key: KeyInScope | undefined): Partial<KeyInScope> {
  if (key === undefined) return {};
  const { standing, account, secretArn, blocked } = key;
  return {
    standing,
    ...(account !== undefined && { account }),
    ...(secretArn !== undefined && { secretArn }),
    ...(blocked !== undefined && { blocked }),
  };
}

/** What is known of a secret's replacement outlives a repeated opening; the fence is the newest. */
function mergedScopes(
  known: readonly SecretInScope[],
  taken: readonly TakenSecret[],
): readonly SecretInScope[] {
  return taken.map(({ scope }) => {
    const before = known.find(({ secretArn }) => secretArn === scope.secretArn);
    if (before === undefined) return scope;
    return { ...scope, ...before, ...(scope.fence !== undefined && { fence: scope.fence }) };
  });
}

function openedEvent({ incidentId, plan, planWhy, match, keys, secrets }: IncidentRecord) {
  return {
    type: "IncidentOpened",
    detail: {
      ...{ incidentId, plan, planWhy, matchedBy: match.by },
      keyIds: keys.flatMap(({ keyId }) => keyId ?? []),
      secretArns: secrets.map(({ secretArn }) => secretArn),
    },
  };
}
