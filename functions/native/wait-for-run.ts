import type { Deps } from "../deps.ts";
import { type NativeCall, type RunSeen, waitFor } from "./native-call.ts";

/** Nothing is left to do: the provider has had the key since createSecret made it. */
export async function setSecret(call: NativeCall, deps: Deps): Promise<"set"> {
  const answer = ({ record: { run }, isHeld }: RunSeen) =>
    isHeld && run !== undefined && run.phase !== "opened" ? ("set" as const) : undefined;
  return waitFor(call, { what: "the pending key", deps, answer });
}

/** Until the machine has used the key at the provider: Rekey's own proof, not a second one. */
export async function testSecret(call: NativeCall, deps: Deps): Promise<"proven"> {
  return waitFor(call, {
    what: "the proof of the pending key",
    deps,
    answer: ({ record, isHeld }) => {
      const phase = isHeld ? record.run?.phase : undefined;
      return phase === undefined || phase === "opened" || phase === "staged"
        ? undefined
        : ("proven" as const);
    },
  });
}
