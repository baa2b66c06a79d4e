import * as z from "zod";
import { together } from "../../consumers/together.ts";
import { RotationError } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
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
      schedules,
      refused: refusals.flat(),
    };
  },
});

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
    const own = policies.filter(({ provider, mode }) => provider.account === account && mode === "rotate");
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
    return { provider: { account, kind, ok: true }, keys };
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    return { provider: { account, kind, ok: false, error: error.name, reason: error.message }, keys: [] };
  }
}
