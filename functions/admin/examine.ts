import * as z from "zod";
import { together } from "../../consumers/together.ts";
import { RotationError } from "../../core/errors.ts";
import { isRotated, type Policy } from "../../core/policy.ts";
import type { ListedKey } from "../../core/ports.ts";
import { currentKey } from "../../core/rotation/secret-record.ts";
import type { AdminDeps } from "../deps.ts";
import { adminCommand } from "./command.ts";

const atOnceMax = 4;

export interface ExaminedProvider {
  readonly account: string;
  readonly kind: string;
  readonly ok: boolean;
  readonly error?: string;
  readonly reason?: string;
  /** How many keys its listing shows. */
  readonly listed?: number;
  /** Those that the ledger knows of no secret, newest last; bounded. */
  readonly unheld?: readonly { readonly keyId: string; readonly name: string }[];
}

/** A secret of the policies that Rekey may not look at: most often it lacks the tag of its environment. */
export interface RefusedSecret {
  readonly secretArn: string;
  readonly reason: string;
}

export interface ExaminedKey {
  readonly secretArn: string;
  readonly keyId: string;
  readonly listed: boolean;
  readonly createdAtMs?: number;
}

/** What only this function can see for `rekey doctor`: whether each admin credential works, and how old keys are. */
export const examine = adminCommand({
  input: z.strictObject({ command: z.literal("examine") }),
  run: async (_order, deps) => {
    const policies = await deps.ledger.policies();
    const accounts = new Map(policies.map((policy) => [policy.provider.account, policy]));
    const looks = await together([...accounts.values()], {
      atOnceMax,
      work: (policy) => lookAt({ policy, policies }, deps),
    });
    const refusals = await together(
      policies.filter(({ mode }) => mode === "rotate"),
      { atOnceMax, work: (policy) => refusalOf(policy, deps) },
    );
    const native = await selfRotating(policies.filter(isRotated), deps);
    const schedules = (await deps.schedules.list()).map(
      ({ name, secretArn, expression, timezone, isPaused }) => ({
        ...{ name, secretArn, expression, timezone },
        ...(isPaused && { isPaused }),
      }),
    );
    return {
      outcome: "examined",
      providers: looks.map(({ provider }) => provider),
      keys: looks.flatMap(({ keys }) => keys),
      ...{ schedules, native },
      refused: refusals.flat(),
    };
  },
});

/** Secrets that Secrets Manager rotates by its own schedule. */
async function selfRotating(policies: readonly Policy[], { store }: AdminDeps): Promise<readonly string[]> {
  const found = await together(policies, {
    atOnceMax,
    work: async ({ secretArn }) => {
      const rotation = await store.nativeRotation(secretArn).catch(unknownIfRefused);
      return rotation?.isEnabled === true && rotation.isScheduled ? [secretArn] : [];
    },
  });
  return found.flat();
}

/** Why it cannot be looked at is among the refusals. */
function unknownIfRefused(error: unknown): undefined {
  if (!(error instanceof RotationError)) throw error;
}

async function refusalOf({ secretArn }: Policy, deps: AdminDeps): Promise<readonly RefusedSecret[]> {
  try {
    await deps.store.versionsInUse(secretArn);
    return [];
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    return [{ secretArn, reason: error.message }];
  }
}

async function lookAt(
  { policy, policies }: { readonly policy: Policy; readonly policies: readonly Policy[] },
  deps: AdminDeps,
): Promise<{ readonly provider: ExaminedProvider; readonly keys: readonly ExaminedKey[] }> {
  const { account, kind } = policy.provider;
  try {
    const listed = new Map((await deps.provider(policy).list()).map((key) => [key.keyId, key]));
    const samePlace = policies.filter(({ provider }) => provider.account === account);
    const own = samePlace.filter(isRotated);
    const keys: ExaminedKey[] = [];
    for (const { secretArn } of own) {
      const keyId = currentKey(await deps.ledger.secret(secretArn))?.keyId;
      if (keyId === undefined) continue;
      const createdAtMs = listed.get(keyId)?.createdAtMs;
      keys.push({
        secretArn,
        keyId,
        listed: listed.has(keyId),
        ...(createdAtMs !== undefined && { createdAtMs }),
      });
    }
    const unheld = await unheldOf({ listed: [...listed.values()], policies: samePlace }, deps);
    return { provider: { account, kind, ok: true, listed: listed.size, unheld }, keys };
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    return { provider: { account, kind, ok: false, error: error.name, reason: error.message }, keys: [] };
  }
}

const unheldMax = 20;

/** Keys that somebody made, and that no secret of this deployment is known to hold. */
async function unheldOf(
  { listed, policies }: { readonly listed: readonly ListedKey[]; readonly policies: readonly Policy[] },
  { ledger }: AdminDeps,
): Promise<NonNullable<ExaminedProvider["unheld"]>> {
  const held = new Set<string>();
  for (const { secretArn } of policies) {
    for (const { keyId } of (await ledger.secret(secretArn)).keys) if (keyId !== undefined) held.add(keyId);
    const observed = (await ledger.observation(secretArn))?.keyId;
    if (observed !== undefined) held.add(observed);
  }
  const unheld = listed.filter(({ keyId }) => !held.has(keyId));
  return unheld.slice(-unheldMax).map(({ keyId, name }) => ({ keyId, name: name.slice(0, 100) }));
}
