import * as z from "zod";
import { deploymentChain } from "../../audit/chain.ts";
import { syntheticReport } from "../alerts/synthetic-report.ts";
import type { SendReport } from "../deps.ts";
import { syntheticWiring } from "../wiring/alerts.ts";
import { type AdminCommand, adminCommand, refused } from "./command.ts";

/** Sends the daily synthetic leak now, as any other alert is sent. The caller watches it arrive. */
export function drillWith(sender: () => SendReport): AdminCommand {
  return adminCommand({
    input: z.strictObject({ command: z.literal("drill") }),
    run: async ({ caller }, deps) => {
      const name = `drill-${caller.requestId}`;
      const status = await sender()(syntheticReport(name));
      await deps.audit.append(deploymentChain, {
        id: `${caller.requestId}/drill`,
        atMs: caller.atMs,
        actor: caller.principal,
        action: "DrillStarted",
        detail: { name, status },
      });
      if (status === 202) return { outcome: "sent", name, sentAtMs: caller.atMs };
      const hint = "look at the intake's log; docs/runbooks/synthetic-leak-absent.md goes through the stages";
      return refused({ reason: "IntakeRefused", detail: `the intake answered ${status}`, hint });
    },
  });
}

export const drill = drillWith(() => syntheticWiring().send);
