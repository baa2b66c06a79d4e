import { planOf } from "../../../core/apply-plan.ts";
import { PolicyInvalid } from "../../../core/errors.ts";
import { issuedFileOf, reissued } from "../../../core/issue/template.ts";
import { weakenings } from "../../../core/weakening.ts";
import { policiesInFiles } from "../../../events/policy-files.ts";
import { declaredKinds } from "../../../providers/declared-kinds.ts";
import { stores } from "../../../stores/index.ts";
import type { AdminDeps } from "../../deps.ts";
import { holdsIssuedKey } from "../../key-index/without-keys.ts";
import type { Given, What } from "./what.ts";

/** What one approval may be about: nobody reads more before confirming it. */
export const weakeningsMax = 200;

/** What the files ask less of than the policies that apply now. Files that only ask more need one person. */
export async function applying(given: Given, deps: AdminDeps): Promise<What | undefined> {
  if (given["dryRun"] === true || holdsIssuedKey(given["files"])) return undefined;
  const files = given["files"] as readonly { readonly path: string; readonly data: unknown }[];
  const read = policiesInFiles(
    files.map(({ path, data }) => ({ path, value: data })),
    { kinds: declaredKinds, stores, nowMs: deps.clock.nowMs() },
  );
  if ("mistakes" in read) return undefined;
  const { names, environment } = read;
  const current = { policies: await deps.ledger.policies(), schedules: [] };
  const policies = [...read.policies, ...reissued(current.policies, read.templates)];
  const wanted = new Map(policies.map((policy) => [policy.secretArn, policy]));
  const ownNames = [...names, ...(given["replaces"] as readonly string[])];
  const owned = [...ownNames, ...ownNames.map(issuedFileOf)];
  const plan = planOf(current, { policies, schedules: [] }, { files: owned, prune: given["prune"] === true });
  const removed = new Set(plan.flatMap(({ action, secretArn }) => (action === "remove" ? [secretArn] : [])));
  const found = current.policies.flatMap((before) => {
    const after = wanted.get(before.secretArn);
    if (removed.has(before.secretArn)) return [[`${before.name} policy`, "removed"] as const];
    if (after === undefined) return [];
    return weakenings(before, after).map(
      ({ field, change }) => [`${before.name} ${field}`, change.slice(0, changeLengthMax)] as const,
    );
  });
  if (found.length === 0) return undefined;
  if (found.length > weakeningsMax)
    throw new PolicyInvalid(
      `this weakens ${found.length} things, and one approval covers at most ${weakeningsMax}: apply it in parts`,
    );
  return { order: `apply ${environment}, which weakens`, ...Object.fromEntries(found) };
}

const changeLengthMax = 300;
