import { copiesOf } from "../../../core/copies/declared.ts";
import type { Policy } from "../../../core/policy.ts";
import type { AdminDeps } from "../../deps.ts";
import { whyCopiesUnfit } from "../../secret/copies.ts";

/** Names are checked without a call to the place: what only it can answer is asked before each rotation. */
export function mistakesOfCopies(
  { policies, stored }: { readonly policies: readonly Policy[]; readonly stored: readonly Policy[] },
  { destinations }: Pick<AdminDeps, "destinations">,
): readonly string[] {
  const others = [...stored, ...policies];
  return policies.flatMap((policy) => [
    ...copiesOf(policy).flatMap(({ to, as }) => {
      const destination = destinations.named(to);
      const wrong =
        destination === undefined ? "the deployment lists no such destination" : destination.whyNotName(as);
      return wrong === undefined ? [] : [`${policy.name}: ${as} at ${to}: ${wrong}`];
    }),
    ...whyCopiesUnfit(policy, { others, destinations }).map((why) => `${policy.name}: ${why}`),
  ]);
}
