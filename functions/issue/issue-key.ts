import * as z from "zod";
import { InputInvalid, LedgerContended, SecretUnusable, Superseded } from "../../core/errors.ts";
import { claimIssue, type Issued, markMade } from "../../core/issue/issued.ts";
import { keyName, keyNamesOf } from "../../core/keys.ts";
import type { MintedKey } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import type { Deps, With } from "../deps.ts";
import { withMintSlot } from "../secret/mint-slot.ts";
import { versionIdFor } from "../secret/stage-key.ts";
import { assertNotStopped } from "../secret/stop-order.ts";
import { onLambda, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { maker } from "../wiring/parts/maker.ts";

/**
 * Makes the key and the secret of one order, which stands in the ledger: whoever calls says only its name. All in one
 * function, because the plaintext must not leave it (S6). A repeat after a lost reply finds what was made.
 */
export const issueKey = step({
  name: "issue-key",
  input: z.object({ issue: z.string().min(1).max(64) }),
  run: async ({ issue: name }, deps: With<"maker">): Promise<{ readonly outcome: "made" }> => {
    const before = await deps.ledger.issued(name);
    if (before === undefined) throw new InputInvalid("nobody ordered this");
    if (before.made !== undefined) return { outcome: "made" };
    const { policy, id } = before;
    await assertNotStopped(policy, deps);
    await assertNameIsFree(before, deps);
    let isMine = false;
    const claimed = await deps.ledger.changeIssued(name, (now) => {
      const next = claimIssue(now ?? before, deps.clock.nowMs());
      isMine = next !== now;
      return next;
    });
    if (!isMine) throw new LedgerContended(`${name} is being made already: ask again in a minute`);
    await discardEarlier(claimed, deps);
    await withMintSlot({ policy, runId: id, isIncident: false }, deps, () => make(claimed, deps));
    return { outcome: "made" };
  },
});

export const handler = onLambda(issueKey, wiring({ maker }));

/** Before a key is made for it. */
async function assertNameIsFree({ secretName = "", id }: Issued, { maker }: With<"maker">): Promise<void> {
  const found = await maker.find(secretName);
  if (found === undefined || found.issueId === id) return;
  throw new SecretUnusable(
    `a secret called ${secretName} is there already: delete it, or issue under another name`,
  );
}

/** Keys of earlier attempts, whose reply was lost: nobody has their text, or only a version that is replaced now. */
async function discardEarlier({ id, policy, attempt }: Issued, deps: Deps): Promise<void> {
  if (attempt < 2) return;
  const provider = deps.provider(policy);
  for (const { keyId } of await provider.list({ namePrefix: keyNamesOf(id) })) await provider.revoke(keyId);
}

async function make(issued: Issued, deps: With<"maker">): Promise<void> {
  const { id, policy, attempt, name, secretName = "" } = issued;
  const provider = deps.provider(policy);
  const expiresInMs = lifeOf(issued);
  const minted = await provider.mint({
    name: keyName({ rotationId: id, attempt }),
    ...(policy.scopes && { scopes: policy.scopes }),
    ...(provider.capabilities.expiry && expiresInMs !== undefined && { expiresInMs }),
  });
  const versionId = versionIdFor({ secretArn: secretName, rotationId: id, attempt, part: "issue" }, deps);
  try {
    const secretArn = await deps.maker.make({
      name: secretName,
      issueId: id,
      versionId,
      text: textOf(minted, policy.field),
    });
    const made = { secretArn, keyId: minted.keyId, versionId };
    const after = await deps.ledger.changeIssued(name, (now) => markMade(now ?? issued, made, attempt));
    if (after.made?.keyId !== minted.keyId) throw new Superseded(`another attempt made ${name} meanwhile`);
  } catch (error) {
    // Only if it is certain that nobody goes on with this key; else the end of the order discards it.
    const after = await deps.ledger.issued(name).catch(() => undefined);
    if (after !== undefined && after.made?.keyId !== minted.keyId) await provider.revoke(minted.keyId);
    throw error;
  }
}

/** The provider ends the key by itself, some time after Rekey would have. */
function lifeOf({ endsAtMs, atMs, policy }: Issued): number | undefined {
  return endsAtMs === undefined ? undefined : endsAtMs - atMs + policy.overlapMs;
}

function textOf({ secret }: MintedKey, field: string | undefined): Secret {
  return field === undefined ? secret : new Secret(JSON.stringify({ [field]: secret.reveal() }));
}
