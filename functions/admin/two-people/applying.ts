import { PolicyInvalid } from "../../../core/errors.ts";
import { weakenings } from "../../../core/weakening.ts";
import { policiesIn } from "../../../events/policy-file.ts";
import { declaredKinds } from "../../../providers/declared-kinds.ts";
import { stores } from "../../../stores/index.ts";
import type { AdminDeps } from "../../deps.ts";
import { holdsIssuedKey } from "../../key-index/without-keys.ts";
import type { Given, What } from "./what.ts";

/** What one approval may be about: nobody reads more before confirming it. */
export const weakeningsMax = 200;

/** What the file asks less of than the policies that apply now. A file that only asks more needs one person. */
export async function applying(given: Given, deps: AdminDeps): Promise<What | undefined> {
  if (given["dryRun"] === true || holdsIssuedKey(given["file"])) return undefined;
  const file = policiesIn({ value: given["file"] }, { kinds: declaredKinds, stores });
  if ("mistakes" in file) return undefined;
  const stored = (await deps.ledger.policies()).filter(({ environment }) => environment === file.environment);
  const wanted = new Map(file.policies.map((policy) => [policy.secretArn, policy]));
  const found = stored.flatMap((before) => {
    const after = wanted.get(before.secretArn);
    if (after === undefined) return [[`${before.name} policy`, "removed"] as const];
    return weakenings(before, after).map(
      ({ field, change }) => [`${before.name} ${field}`, change.slice(0, changeLengthMax)] as const,
    );
  });
  if (found.length === 0) return undefined;
  if (found.length > weakeningsMax)
    throw new PolicyInvalid(
      `the file weakens ${found.length} things, and one approval covers at most ${weakeningsMax}: apply it in parts`,
    );
  return { order: `apply ${file.environment}, which weakens`, ...Object.fromEntries(found) };
}

const changeLengthMax = 300;
