import { noTurns, type RestartTurns, type TurnChange } from "../core/adoption/restart-turns.ts";
import type { SecretArn, TableKey } from "../core/ports.ts";
import type { Documents } from "./documents.ts";

interface Place {
  readonly secretArn: SecretArn;
  readonly consumer: string;
}

const turnKey = ({ secretArn, consumer }: Place): TableKey => ({
  kind: "TURN",
  id: secretArn,
  sort: consumer,
});

/** Nobody restarts for so long: what is noted of the last ones is of no use then. */
const forgottenAfterMs = 7 * 24 * 3_600_000;

/** Whose turn it is to restart, of each consumer of a secret. */
export function restartTurnsIn(at: Documents) {
  return {
    async changeTurns(
      place: Place,
      { nowMs, change }: { readonly nowMs: number; change(before: RestartTurns): TurnChange },
    ): Promise<TurnChange["answer"]> {
      let answer: TurnChange["answer"] = { outcome: "noted" };
      await at.change<RestartTurns>(
        turnKey(place),
        (before = noTurns) => {
          const made = change(before);
          answer = made.answer;
          return made.turns;
        },
        { forgetAtMs: nowMs + forgottenAfterMs },
      );
      return answer;
    },
  };
}
