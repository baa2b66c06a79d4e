import { PolicyInvalid } from "../../../core/errors.ts";
import type { Issued, MadeSecret } from "../../../core/issue/issued.ts";
import type { AdminDeps } from "../../deps.ts";
import { adopt } from "../apply/adopt.ts";
import { workOn } from "../apply/one-secret.ts";
import { partOf } from "../apply/view.ts";

/** The new secret is adopted as any other is, under its policy and with its schedule: from now on it rotates. */
export async function takeOn(issued: Issued, made: MadeSecret, deps: AdminDeps): Promise<void> {
  const { id, by, atMs, name, template = "" } = issued;
  const { secretArn, keyId } = made;
  const policy = { ...issued.policy, secretArn };
  // The provider's answer named the key: no hint has to find it.
  await adopt({ policy: { ...policy, currentKeyId: keyId }, atMs }, deps);
  const stored = await deps.ledger.policies();
  const ownership = { files: policy.file === undefined ? [] : [policy.file], prune: false };
  const others = stored.filter((each) => each.secretArn !== secretArn).map((each) => each.secretArn);
  const part = await partOf({ stored, policies: [policy], ownership, reached: others, nowMs: atMs }, deps);
  const caller = { principal: by, atMs, requestId: id };
  const work = workOn({ view: part.view, plan: part.plan, caller, adminSeen: new Map() }, deps);
  const applied = await work({ name, secretArn });
  if (applied.outcome === "failed") throw new PolicyInvalid(`${applied.error}: ${applied.reason}`);
  await deps.audit.append(secretArn, {
    ...{ id: `${id}/issue`, atMs, actor: by, action: "SecretIssued" },
    detail: {
      ...{ name, template, keyId },
      ...(policy.owner !== undefined && { owner: policy.owner }),
      ...(issued.endsAtMs !== undefined && { endsAtMs: issued.endsAtMs }),
    },
  });
}
