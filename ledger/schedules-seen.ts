import type { SecretArn, TableKey } from "../core/ports.ts";
import type { ScheduleFault } from "../core/schedule.ts";
import type { Documents } from "./documents.ts";
import type { ScheduleSeen } from "./entries.ts";

const scheduleKey = (secretArn: SecretArn): TableKey => ({ kind: "SWEEP", id: "schedule", sort: secretArn });

/** What the last sweep saw to be wrong with the schedule of a secret's policy. */
export function schedulesSeenIn(at: Documents) {
  return {
    scheduleSeen: (secretArn: SecretArn) => at.read<ScheduleSeen>(scheduleKey(secretArn)),

    changeScheduleSeen: async (
      secretArn: SecretArn,
      { fault, nowMs }: { readonly fault: ScheduleFault | undefined; readonly nowMs: number },
    ): Promise<void> => {
      const seen = await at.read<ScheduleSeen>(scheduleKey(secretArn));
      if (seen?.fault === fault) return;
      await at.write(scheduleKey(secretArn), fault === undefined ? {} : { fault, sinceMs: nowMs });
    },
  };
}
