import { isUndone } from "../core/incident-person.ts";
import type { IncidentRecord, KeyInScope } from "../core/incident-record.ts";
import { containTurn } from "../core/incident-turns.ts";
import { contain, type Turn } from "./contain.ts";
import type { Deps } from "./deps.ts";
import { incidentOf, keyOf, keyStepInput, stopwatch } from "./incident-step.ts";
import { waitSecondsFor } from "./incident-wait.ts";
import { restoreKey } from "./restore-key.ts";
import { onLambda, step } from "./step.ts";
import { noteUseBefore } from "./use-before.ts";
import { wiring } from "./wiring.ts";

/** One turn of one key's containment: waits, quarantines, revokes, or hands on to the proof. */
export const containKey = step({
  name: "contain-key",
  input: keyStepInput,
  run: async (input, deps: Deps): Promise<Turn> => {
    const record = await incidentOf(input, deps);
    const key = keyOf(record, input.ref);
    const turn = containTurn(record, key, input.at);
    if (turn.turn === "contain") return contain({ input, record, key }, deps);
    await giveBack({ record, key }, deps);
    const isWait = turn.turn === "wait";
    const nowMs = stopwatch(input.at, deps);
    if (isWait && turn.untilMs !== undefined) await noteUseBefore({ record, key, nowMs: input.at }, deps);
    return {
      outcome: turn.turn,
      seenSeq: record.seq,
      waitSeconds: waitSecondsFor({ record, nowMs: nowMs(), ...(isWait && turn) }),
      reason: isWait ? turn.why : key.state,
    };
  },
});

export const handler = onLambda(containKey, wiring("contain-key"));

/** Whoever undid a quarantine may have died before the key was restored: nobody else would do it. */
async function giveBack(
  { record, key }: { readonly record: IncidentRecord; readonly key: KeyInScope },
  deps: Deps,
): Promise<void> {
  if (key.keyId !== undefined && isUndone(key)) await restoreKey({ record, key, keyId: key.keyId }, deps);
}
