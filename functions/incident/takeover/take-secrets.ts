import { RotationError, Superseded } from "../../../core/errors.ts";
import { isRekeysOwn } from "../../../core/incident/plan.ts";
import type { IncidentRecord, KeyInScope } from "../../../core/incident/record.ts";
import { keyRole } from "../../../core/own-credential.ts";
import type { Policy } from "../../../core/policy.ts";
import type { Deps } from "../../deps.ts";
import { aliasOfKeyId, type Holder } from "../../key-index/identify-key.ts";
import { ownCredential } from "../../key-index/own-credential.ts";
import { asIncidentAsks } from "../record/policies.ts";
import { type TakenSecret, takeForIncident, unusable, watchedOnly } from "./take-secret.ts";

export interface Opening {
  readonly record: IncidentRecord;
  readonly input: { readonly incidentId: string; readonly executionArn: string; readonly at: number };
}

/** Every secret that holds a key of this incident, each taken from whatever run has it. */
export async function takeSecrets(opening: Opening, deps: Deps): Promise<readonly TakenSecret[]> {
  const taken: TakenSecret[] = [];
  for (const key of opening.record.keys) {
    const holders = await holdersOf(key, deps);
    for (const holder of new Map(holders.map((each) => [each.secretArn, each])).values()) {
      if (taken.some(({ scope }) => scope.secretArn === holder.secretArn)) continue;
      taken.push(await takeOne(opening, { key, ...placeIn(holder) }, deps));
    }
  }
  return taken;
}

/** The newest entry of a secret counts: an edit of another field may have put the same key into a newer version. */
async function holdersOf({ keyId, fingerprint, secretArn, versionId, standing }: KeyInScope, deps: Deps) {
  const own: readonly Holder[] =
    secretArn === undefined || standing === "unknown"
      ? []
      : [{ secretArn, ...(versionId !== undefined && { versionId }), role: "rotated" }];
  const aliases = [fingerprint, keyId && aliasOfKeyId(keyId)].filter((alias) => alias !== undefined);
  const indexed = await Promise.all(aliases.map((alias) => deps.ledger.holders(alias)));
  const matching = indexed.flat().filter((entry) => entry.keyId === undefined || entry.keyId === keyId);
  return [...own, ...matching];
}

type Place = Pick<Holder, "secretArn" | "versionId">;

function placeIn({ secretArn, versionId }: Place): Place {
  return { secretArn, ...(versionId !== undefined && { versionId }) };
}

interface Held extends Place {
  readonly key: KeyInScope;
}

async function takeOne(
  { record, input }: Opening,
  { key, ...place }: Held,
  deps: Deps,
): Promise<TakenSecret> {
  const { secretArn } = place;
  const policy = await deps.ledger.policy(secretArn);
  const { keyId, fingerprint } = key;
  // An admin credential is replaced by its schedule or by a person, never because of an alert.
  if (policy === undefined || keyRole(policy) !== "rotated" || keyId === undefined) {
    return { scope: await watched(place, policy, deps), from: "none" };
  }
  const heldBefore =
    record.openedBy === input.executionArn &&
    record.secrets.some((known) => known.secretArn === secretArn && known.fence !== undefined);
  const { incidentId, executionArn, at: atMs } = input;
  const compromised = { keyId, ...(fingerprint !== undefined && { fingerprint }) };
  const asking = asIncidentAsks(policy, record);
  const taking = { incidentId, executionArn, atMs, policy: asking, key: compromised, ...place, heldBefore };
  try {
    return await takeForIncident(taking, deps);
  } catch (error) {
    const isOfSecret = error instanceof RotationError && !(error instanceof Superseded);
    if (!isOfSecret || error.retry !== "never") throw error;
    // If one secret cannot be read, the key must still be contained for all the others.
    return { scope: unusable(taking, `${error.name}: ${error.message}`), from: "none" };
  }
}

async function watched(holder: Place, policy: Policy | undefined, deps: Deps): Promise<TakenSecret["scope"]> {
  try {
    return await watchedOnly(holder, policy, deps);
  } catch (error) {
    if (!(error instanceof RotationError) || error.retry !== "never") throw error;
    const facts = { name: policy?.name ?? holder.secretArn, environment: policy?.environment ?? "unknown" };
    const failure = `${error.name}: ${error.message}`;
    const scope = { ...holder, ...facts, behind: [], moved: [], failure };
    return { ...scope, standing: "unplaced", replacement: "failed" };
  }
}

/** The key's place: the most important one in any of its secrets. */
export async function placed(
  key: KeyInScope,
  { record, taken }: { readonly record: IncidentRecord; readonly taken: readonly TakenSecret[] },
  deps: Deps,
): Promise<KeyInScope> {
  if (record.match.by === "none") return lookedUp(key, deps);
  const { secretArn } = key;
  const standings = taken.map(({ scope }) => scope.standing);
  const standing = (["current", "incoming", "retiring", "unplaced"] as const).find((each) =>
    standings.includes(each),
  );
  if (secretArn !== undefined && isRekeysOwn(key)) {
    const own = ownCredential({ role: key.role, secretArn }, await deps.ledger.policies());
    return { ...key, ...own, standing: standing ?? "retired" };
  }
  const blocked =
    key.keyId === undefined ? { blocked: { why: "the key's id at the provider is not known" } } : {};
  return { ...key, ...blocked, standing: standing ?? "retired" };
}

/**
 * For a key that is not in the ledger: if one of our accounts lists it, a person's contain-now is enough to
 * revoke it.
 */
export async function lookedUp(key: KeyInScope, deps: Deps): Promise<KeyInScope> {
  const { keyId, provider } = key;
  if (keyId === undefined || provider === undefined) return key;
  const asked = new Set<string>();
  for (const policy of await deps.ledger.policies()) {
    const { kind, account } = policy.provider;
    if (kind !== provider || asked.has(account) || account !== (key.account ?? account)) continue;
    asked.add(account);
    if (!(await isListed({ policy, keyId }, deps))) continue;
    const why = `${account} lists this key, and no secret under Rekey is known to hold it: say contain-now`;
    return { ...key, account, secretArn: policy.secretArn, blocked: { why } };
  }
  return key;
}

/** Only helps the person who decides, so an account that does not answer must not delay the page. */
async function isListed({ policy, keyId }: { readonly policy: Policy; readonly keyId: string }, deps: Deps) {
  try {
    return (await deps.provider(policy).find(keyId)) !== undefined;
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    return false;
  }
}
