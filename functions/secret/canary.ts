import {
  AdminCredentialRefused,
  KeyNotYetActive,
  KeyRejected,
  MintOutcomeUnknown,
  NeedsHuman,
  PolicyInvalid,
  ProviderUnavailable,
  QuotaReached,
  Superseded,
  WrongProject,
} from "../../core/errors.ts";
import { keyNamesOf } from "../../core/keys.ts";
import type { Policy } from "../../core/policy.ts";
import type { KeyProvider } from "../../core/ports.ts";
import { canariesMax, canariesOf, claimCanary, markDiscarded } from "../../core/rotation/incoming.ts";
import type { Ticket } from "../../core/rotation/secret-record.ts";
import type { Secret } from "../../core/secret.ts";
import type { Deps } from "../deps.ts";

/** If nobody deletes a canary, it ends by itself where the provider has an expiry. */
const canaryLifeMs = 60 * 60_000;
/** One call for each: a function has 30 seconds. */
const servedMax = 20;

/** It is accepted, and may not do this. */
const rejections = [WrongProject, NeedsHuman, QuotaReached, PolicyInvalid];

interface Trial {
  readonly ticket: Ticket;
  readonly policy: Policy;
  /** The new admin credential. The one in use goes on working, and only it is given to others meanwhile. */
  readonly credential: Secret;
}

/**
 * A new admin credential that lacks a right would be noticed when the former one is gone: at the next leak. So it does
 * once what it is for: it lists the keys of every account that it serves, and makes, lists and deletes a key.
 */
export async function tryAdminCredential(trial: Trial, deps: Deps): Promise<void> {
  try {
    await listServed(trial, deps);
    await mintListAndDelete(trial, deps);
  } catch (error) {
    if (error instanceof AdminCredentialRefused)
      throw new KeyNotYetActive(`the new admin credential is not accepted everywhere yet: ${error.message}`);
    if (error instanceof MintOutcomeUnknown)
      throw new ProviderUnavailable(
        `a key to try the new admin credential may have been made: ${error.message}`,
      );
    if (rejections.some((rejection) => error instanceof rejection))
      throw new KeyRejected(`the new admin credential cannot do what it is for: ${messageOf(error)}`);
    throw error;
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : "unknown");

async function listServed({ policy, credential }: Trial, deps: Deps): Promise<void> {
  const { secretArn, provider: own } = policy;
  const served = (await deps.ledger.policies()).filter(
    ({ provider }) => provider.adminCredential === secretArn && provider.account !== own.account,
  );
  const accounts = new Map(served.map((each) => [each.provider.account, each]));
  for (const each of [...accounts.values()].slice(0, servedMax)) await deps.provider(each, credential).list();
}

async function mintListAndDelete({ ticket, policy, credential }: Trial, deps: Deps): Promise<void> {
  // Not one of those that work with the credential in use: the role of this step may not read that one.
  const issuer = deps.provider(policy, credential);
  await deleteCanaries(ticket, { issuer, deps });
  const { name, retiring } = await claim(ticket, deps);
  const { keyId } = await issuer.mint({ name, retiring, expiresInMs: canaryLifeMs });
  const listed = await issuer.list({ namePrefix: keyNamesOf(ticket.rotationId) });
  if (!listed.some((key) => key.keyId === keyId && key.name === name))
    throw new ProviderUnavailable(
      `the key ${keyId}, made to try the new admin credential, is not listed yet`,
    );
  await issuer.revoke(keyId);
  if ((await issuer.find(keyId)) !== undefined)
    throw new ProviderUnavailable(`the key ${keyId}, made to try the new admin credential, is still listed`);
  await deps.ledger.changeSecret(ticket.secretArn, (record) => markDiscarded(record, ticket, name));
}

/** Those of an earlier try that was cut off. One that is not listed may still appear: the sweep waits for it. */
async function deleteCanaries(
  ticket: Ticket,
  { issuer, deps }: { readonly issuer: KeyProvider; readonly deps: Deps },
): Promise<void> {
  const earlier = canariesOf(await deps.ledger.secret(ticket.secretArn));
  if (earlier.length === 0) return;
  const listed = await issuer.list({ namePrefix: keyNamesOf(ticket.rotationId) });
  for (const { keyId, name } of listed) {
    if (!earlier.some((canary) => canary.name === name)) continue;
    await issuer.revoke(keyId);
    await deps.ledger.changeSecret(ticket.secretArn, (record) => markDiscarded(record, ticket, name));
  }
}

async function claim(ticket: Ticket, deps: Deps) {
  let isClaimed = false;
  const record = await deps.ledger.changeSecret(ticket.secretArn, (now) => {
    const next = claimCanary(now, ticket);
    isClaimed = next !== undefined;
    return next ?? now;
  });
  const name = canariesOf(record).at(-1)?.name;
  if (record.run?.phase !== "staged")
    throw new Superseded("the run is past the trial of its admin credential");
  if (!isClaimed || name === undefined)
    throw new KeyRejected(`the new admin credential did not pass its trial ${canariesMax} times`);
  return { name, retiring: record.run.incoming.keyId };
}
