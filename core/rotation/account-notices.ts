import { stoppedByRekey } from "../provider-account.ts";
import type { Notice } from "./notices.ts";
import type { StopOrder } from "./stop-order.ts";

/** The accounts that Rekey stopped by itself: nothing of theirs is rotated until somebody has looked. */
export function accountNotices(stops: readonly StopOrder[]): readonly Notice[] {
  return stops
    .filter(({ by }) => by === stoppedByRekey)
    .map(({ scope, reason }) => {
      const account = scope.replace(/^provider\//, "");
      const steps = [
        "Find out why the provider refuses, and correct it.",
        `rekey resume --provider ${account}`,
      ];
      const what = `the provider account is stopped: ${reason}`;
      return {
        ...{ id: `${scope}/${reason}`, secretArn: scope, name: account, severity: "page" },
        ...{ what, steps, topic: "Stopped" },
      };
    });
}
