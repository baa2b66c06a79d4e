import * as z from "zod";
import { RotationError } from "../../core/errors.ts";
import { isRekeysOwn } from "../../core/incident/plan.ts";
import type { OwnRole } from "../../core/incident/record.ts";
import { keyRole } from "../../core/own-credential.ts";
import type { Policy } from "../../core/policy.ts";
import type { KeyId, SecretArn, VersionId } from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";
import { aliasesOf } from "../../events/fingerprint.ts";
import type { FingerprintEntry } from "../../ledger/entries.ts";
import { assertMayBeKept } from "../../providers/key-of.ts";
import { keyIn } from "../../stores/value.ts";
import type { Deps } from "../deps.ts";
import { type Handler, onLambda, secretArnText, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { ownSecrets } from "../wiring/settings.ts";
import { aliasOfHint, aliasOfKeyId, type IndexedVersion, indexedVersionAt } from "./identify-key.ts";

/** What one call does not reach is left to the next one: each version takes a read and some 10 ms of hashing. */
const budgetMs = 20_000;
const unreadableShownMax = 20;
const ownRoles = [
  "intake",
  "githubToken",
  "pagerdutyKey",
  "slackWebhook",
  "auditCollector",
] as const satisfies readonly OwnRole[];

/**
 * Fills the index by which an alert finds its key: every version in use of every secret under policy, of admin
 * credentials and of whatever else Rekey works with, by every alias that a source may use. A version never changes,
 * so one that is known is not read again.
 */
export const indexSecrets = step({
  name: "index-secrets",
  input: z.object({
    /** The credentials given to the deployment itself; admin credentials come from the policies. */
    own: z
      .array(z.object({ secretArn: secretArnText, role: z.enum(ownRoles) }))
      .max(100)
      .default([]),
  }),
  run: async ({ own }, deps: Deps) => {
    const policies = await deps.ledger.policies();
    const stopAtMs = deps.clock.nowMs() + budgetMs;
    const seen = { indexed: 0, known: 0, left: 0, unreadable: [] as string[] };
    const hints = hintsOf(deps);
    for (const place of placesOf(policies, own)) {
      if (deps.clock.nowMs() >= stopAtMs) {
        seen.left += 1;
        continue;
      }
      await indexPlace({ place, seen, hints }, deps);
    }
    return { outcome: seen.left > 0 ? ("continues" as const) : ("indexed" as const), ...seen };
  },
});

const run = onLambda(indexSecrets, wiring());

export const handler: Handler = (_event, context) => run({ own: ownSecrets() }, context);

interface Place {
  readonly secretArn: SecretArn;
  readonly role: FingerprintEntry["role"];
  readonly policy?: Policy;
}

/** Each secret once: one admin credential serves many secrets. */
function placesOf(policies: readonly Policy[], own: readonly Place[]): readonly Place[] {
  const admin = policies.flatMap(({ provider }) => provider.adminCredential ?? []);
  const declared = new Set(policies.map(({ secretArn }) => secretArn));
  return [
    ...policies.map((policy) => ({ policy, secretArn: policy.secretArn, role: keyRole(policy) })),
    ...[...new Set(admin)]
      .filter((arn) => !declared.has(arn))
      .map((secretArn) => ({ secretArn, role: "admin" as const })),
    ...new Map(own.map((place) => [place.secretArn, place])).values(),
  ];
}

interface Indexing {
  readonly place: Place;
  readonly seen: { indexed: number; known: number; readonly unreadable: string[] };
  readonly hints: Hints;
}

/** If one secret cannot be read, the others are indexed all the same; the answer names it. */
async function indexPlace(indexing: Indexing, deps: Deps): Promise<void> {
  const { place, seen } = indexing;
  try {
    const { all } = await deps.store.versionsInUse(place.secretArn);
    for (const versionId of all) await indexVersion({ ...indexing, versionId }, deps);
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    if (seen.unreadable.length < unreadableShownMax) seen.unreadable.push(place.secretArn);
  }
}

async function indexVersion(
  { place, seen, hints, versionId }: Indexing & { readonly versionId: VersionId },
  deps: Deps,
): Promise<void> {
  const key = indexedVersionAt(place.secretArn, versionId);
  const field = place.policy?.field ?? null;
  const stored = await deps.ledger.documents.read<IndexedVersion>(key);
  const known = stored?.field === field && stored.role === place.role ? stored : undefined;
  const sha256 = known === undefined ? await fingerprintVersion({ place, versionId }, deps) : known.sha256;
  const keyId = known?.keyId ?? (await keyIdOf({ place, versionId, sha256 }, deps)) ?? null;
  const hint = known?.hint ?? (keyId === null ? null : await hints(place, keyId)) ?? null;
  if (known !== undefined && known.keyId === keyId && known.hint === hint) {
    seen.known += 1;
    return;
  }
  const entry = { secretArn: place.secretArn, versionId, role: place.role, ...(keyId !== null && { keyId }) };
  if (keyId !== null) await deps.ledger.putHolder({ ...entry, fingerprint: aliasOfKeyId(keyId) });
  if (hint !== null) await deps.ledger.putHolder({ ...entry, fingerprint: aliasOfHint(hint) });
  await deps.ledger.documents.write<IndexedVersion>(key, { role: place.role, field, sha256, keyId, hint });
  seen.indexed += 1;
}

/** An older version may be empty or lack the field: then it holds no key that could leak. */
async function fingerprintVersion(
  { place, versionId }: { readonly place: Place; readonly versionId: VersionId },
  deps: Deps,
): Promise<string | null> {
  const key = await keyInVersion({ place, versionId }, deps);
  if (key === undefined) return null;
  const aliases = aliasesOf(key);
  const keyId = await keyIdOf({ place, versionId, sha256: aliases.sha256 }, deps);
  for (const fingerprint of Object.values(aliases)) {
    await deps.ledger.putHolder({
      ...{ fingerprint, secretArn: place.secretArn, versionId, role: place.role },
      ...(keyId !== undefined && { keyId }),
    });
  }
  return aliases.sha256;
}

async function keyInVersion(
  { place, versionId }: { readonly place: Place; readonly versionId: VersionId },
  deps: Deps,
): Promise<Secret | undefined> {
  const { text } = await deps.store.read(place.secretArn, versionId);
  try {
    const key = keyIn(text, place.policy?.field);
    if (place.policy !== undefined) assertMayBeKept(place.policy.provider.kind, key);
    return key;
  } catch (error) {
    if (error instanceof RotationError) return undefined;
    throw error;
  }
}

/** The key's id from the ledger, by version or by fingerprint. It is never guessed here. */
async function keyIdOf(
  version: { readonly place: Place; readonly versionId: VersionId; readonly sha256: string | null },
  { ledger }: Pick<Deps, "ledger">,
): Promise<KeyId | undefined> {
  const { place, versionId, sha256 } = version;
  if (isRekeysOwn(place)) return undefined;
  const record = await ledger.secret(place.secretArn);
  const live = record.keys.find((key) => key.versionId === versionId || isSame(key.fingerprint, sha256));
  if (live?.keyId !== undefined) return live.keyId;
  return (await ledger.keys(place.secretArn)).find((key) => isSame(key.fingerprint, sha256))?.keyId;
}

function isSame(fingerprint: string | undefined, sha256: string | null): boolean {
  return fingerprint !== undefined && fingerprint === sha256;
}

type Hints = (place: Place, keyId: KeyId) => Promise<string | undefined>;

/** The hints that each provider shows. Asked once per account, and only if a key has no hint yet. */
function hintsOf(deps: Deps): Hints {
  const listed = new Map<string, Promise<ReadonlyMap<KeyId, string>>>();
  return async ({ policy }, keyId) => {
    if (policy === undefined) return undefined;
    const account = JSON.stringify(policy.provider);
    const hints = listed.get(account) ?? hintsAt(policy, deps);
    listed.set(account, hints);
    return (await hints).get(keyId);
  };
}

/** Hints only help to find more. If a provider does not answer, the exact aliases stay as they are. */
async function hintsAt(policy: Policy, deps: Deps): Promise<ReadonlyMap<KeyId, string>> {
  try {
    const keys = await deps.provider(policy).list();
    return new Map(keys.flatMap(({ keyId, hint }) => (hint === undefined ? [] : [[keyId, hint] as const])));
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    deps.log({
      step: "index-secrets",
      outcome: "noHints",
      account: policy.provider.account,
      error: error.name,
    });
    return new Map();
  }
}
