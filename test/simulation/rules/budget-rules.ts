import type { BoundaryCall } from "../world/surroundings.ts";
import type { Witness } from "./witness.ts";

const secondMs = 1_000;
const calls = new WeakMap<Witness, number[]>();

/** L5: in no second does an account get more calls than its budget says. Where there is one, nothing fails. */
export function callIsInBudget(watch: Witness, { invocation, port }: BoundaryCall): void {
  const { budget } = watch;
  if (port !== "provider" || budget?.callsPerSecond === undefined) return;
  const nowMs = watch.world.time.nowMs();
  const lately = (calls.get(watch) ?? []).filter((atMs) => atMs > nowMs - secondMs);
  lately.push(nowMs);
  calls.set(watch, lately);
  if (lately.length > budget.callsPerSecond)
    watch.violate(
      "L5",
      `${invocation.functionName} makes call ${lately.length} of a second, and the account answers ${budget.callsPerSecond}`,
    );
}
