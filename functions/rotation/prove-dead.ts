import * as z from "zod";
import type { Probe } from "../../core/certificate/rotation.ts";
import { SecretUnusable, StillAlive } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { KeyId, KeyProvider } from "../../core/ports.ts";
import {
  afterProbe,
  type CountedProbe,
  controlsText,
  isAcceptance,
  isDead,
} from "../../core/rotation/death.ts";
import { markProbed } from "../../core/rotation/probed.ts";
import { markRetiring } from "../../core/rotation/retiring.ts";
import { assertPromoted, type PromotedRun } from "../../core/rotation/secret-record.ts";
import type { Secret } from "../../core/secret.ts";
import { keyIn } from "../../stores/value.ts";
import type { Deps } from "../deps.ts";
import { probeDeath } from "../secret/probe-death.ts";
import { repeatRevoke } from "../secret/repeat-revoke.ts";
import { noteRun, policyOf } from "../secret/run-record.ts";
import { onLambda, step, type TicketInput, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";

const probesPerLapMax = 10;
const burstMaxMs = 6_000;
const lapSecondsMax = 30;
/** A key that is slow to die is called for half an hour; the certificate shows the last calls. */
const probesKeptMax = 60;

type Answer =
  | { readonly outcome: "dead"; readonly probes: number }
  | { readonly outcome: "alive"; readonly probes: number; readonly waitSeconds: number };

/** Calls the provider with the revoked key until it counts as dead (core/rotation/death.ts). */
export const proveDead = step({
  name: "prove-dead",
  input: z.object(ticketShape),
  run: async (input, deps: Deps): Promise<Answer> => {
    const policy = await policyOf(input, deps);
    const run = assertPromoted(await deps.ledger.secret(input.secretArn), input);
    if (run.phase === "dead") return { outcome: "dead", probes: run.death?.refusals ?? 0 };

    const provider = deps.provider(policy);
    const secret = await plaintextOf({ input, policy, run }, deps);
    if (secret === undefined) return deadByListing({ input, run, provider }, deps);
    return probe({ input, run, provider, policy, secret }, deps);
  },
});

export const handler = onLambda(proveDead, wiring());

async function plaintextOf(
  { input, policy, run }: { input: TicketInput; policy: Policy; run: PromotedRun },
  deps: Deps,
): Promise<Secret | undefined> {
  try {
    const { text } = await deps.store.read(input.secretArn, run.retiring.versionId);
    return keyIn(text, policy.field);
  } catch (error) {
    if (error instanceof SecretUnusable) return undefined;
    throw error;
  }
}

interface Watch {
  readonly input: TicketInput;
  readonly run: PromotedRun;
  readonly provider: KeyProvider;
}

/** Several probes in one call if the profile allows it. The machine waits between the calls. */
async function probe(
  watch: Watch & { readonly policy: Policy; readonly secret: Secret },
  deps: Deps,
): Promise<Answer> {
  const { input, provider, policy, secret } = watch;
  const { probeEveryMs } = provider.propagation;
  const made: Probe[] = [];
  const live = [{ secretArn: input.secretArn, ...watch.run.incoming }];
  let run = watch.run;
  for (let probes = 0, elapsedMs = 0; probes < probesPerLapMax; probes++) {
    const one = { atMs: input.at + elapsedMs, ...(await probeDeath({ provider, secret, live }, deps)) };
    made.push(one);
    run = await noteProbe({ input, run, one }, deps);
    if (isDead(run.death, provider.propagation, one))
      return recordDeath({ ...watch, run, how: "refused", made }, deps);
    elapsedMs += probeEveryMs;
    if (elapsedMs > burstMaxMs) break;
    await deps.clock.pause(probeEveryMs);
  }
  await noteRun({ ticket: input, note: { probes: await probesWith(made, input, deps) } }, deps);
  const { answer } = made.at(-1) ?? {};
  if (answer !== undefined && isAcceptance(answer)) await repeatRevoke({ input, policy, run }, deps);
  return stillAlive({ ...watch, run, made }, deps);
}

/** Refusals that did not count, because the same call fails its controls. */
function whyNot(made: readonly Probe[]): string {
  const controls = made.at(-1)?.controls;
  return controls === undefined ? "" : `; its last refusal is held against this: ${controlsText(controls)}`;
}

/** With those of the calls before, so that the certificate shows each. */
async function probesWith(
  made: readonly Probe[],
  input: TicketInput,
  deps: Pick<Deps, "ledger">,
): Promise<readonly Probe[]> {
  const { probes = [] } = (await deps.ledger.rotation(input.secretArn, input.rotationId)) ?? {};
  return [...probes, ...made].slice(-probesKeptMax);
}

async function noteProbe(
  { input, run, one }: { input: TicketInput; run: PromotedRun; one: CountedProbe },
  deps: Deps,
): Promise<PromotedRun> {
  if (afterProbe(run.death, one) === run.death) return run;
  const record = await deps.ledger.changeSecret(input.secretArn, (now) => markProbed(now, input, one));
  return assertPromoted(record, input);
}

/** A run that resumes an old debt waits as long as the run that revoked. */
async function stillAlive(
  { input, run, provider, made = [] }: Watch & { readonly made?: readonly Probe[] },
  deps: Deps,
): Promise<Answer> {
  const opened = await deps.ledger.rotation(input.secretArn, input.rotationId);
  const revokedAtMs = run.revokedAtMs ?? input.at;
  const sinceMs = input.at - Math.max(revokedAtMs, opened?.openedAtMs ?? revokedAtMs);
  if (sinceMs > patienceMs(run, provider)) {
    const seconds = Math.round((input.at - revokedAtMs) / 1000);
    throw new StillAlive(
      `key ${run.retiring.keyId} is not seen dead ${seconds} s after its revoke${whyNot(made)}`,
    );
  }
  const waitSeconds = Math.min(lapSecondsMax, Math.max(1, Math.round(sinceMs / 10_000)));
  return { outcome: "alive", probes: run.death?.refusals ?? 0, waitSeconds };
}

/** A series of refusals that began within the limit may be completed. */
function patienceMs({ death }: PromotedRun, { propagation }: KeyProvider): number {
  const { dieMs, deadProbes, deadWindowMs } = propagation;
  return death === undefined ? dieMs : dieMs + deadWindowMs + deadProbes * lapSecondsMax * 1000;
}

/** The plaintext is not held any more: absence from the listing is the only proof, and the record says so. */
async function deadByListing(watch: Watch, deps: Deps): Promise<Answer> {
  const { provider, run } = watch;
  const isListed = async (keyId: KeyId) => (await provider.find(keyId)) !== undefined;
  // The credential of another account would not list the retiring key either, so it has to list the incoming one.
  const isGone = !(await isListed(run.retiring.keyId)) && (await isListed(run.incoming.keyId));
  return isGone ? recordDeath({ ...watch, how: "listing" }, deps) : stillAlive(watch, deps);
}

/**
 * Writes the record of death and the key's last history entry before the item drops the key: if an incident
 * took the secret right after, no run could write them any more.
 */
async function recordDeath(
  {
    input,
    run,
    how,
    made = [],
  }: Watch & { readonly how: "refused" | "listing"; readonly made?: readonly Probe[] },
  deps: Deps,
): Promise<Answer> {
  const probes = run.death?.refusals ?? 0;
  const { keyId, fingerprint } = run.retiring;
  const revokedAtMs = run.revokedAtMs ?? input.at;
  const controls = made.at(-1)?.controls;
  const death = {
    ...{ keyId, fingerprint, how, probes, revokedAtMs, deadAtMs: input.at },
    ...(controls !== undefined && { controls }),
  };
  await noteRun({ ticket: input, note: { death, probes: await probesWith(made, input, deps) } }, deps);
  const { secretArn, rotationId, at: atMs } = input;
  await deps.ledger.putKey({ secretArn, name: keyId, keyId, fingerprint, rotationId, state: "dead", atMs });
  await deps.audit.append(secretArn, {
    ...{ id: `${rotationId}/death`, atMs, actor: rotationId, action: "DeathRecorded" },
    detail: { ...death, controls: controls === undefined ? "none" : controlsText(controls) },
  });
  await deps.ledger.changeSecret(input.secretArn, (record) => markRetiring(record, input, "dead"));
  return { outcome: "dead", probes };
}
