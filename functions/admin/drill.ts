import * as z from "zod";
import { deploymentChain } from "../../audit/chain.ts";
import { shortName } from "../../core/principal.ts";
import type { Message } from "../../core/rotation/messages.ts";
import { syntheticReport } from "../alerts/synthetic-report.ts";
import type { AdminDeps, SendReport } from "../deps.ts";
import { messagePage } from "../upkeep/message-page.ts";
import { syntheticWiring } from "../wiring/synthetic-leak.ts";
import { type AdminCommand, adminCommand, type Caller, refused } from "./command.ts";

/** Sends the daily synthetic leak now, as any other alert is sent. The caller watches it arrive. */
export function drillWith(sender: () => SendReport): AdminCommand {
  return adminCommand({
    input: z.strictObject({ command: z.literal("drill"), rotation: z.literal(true).optional() }),
    run: async ({ input, caller }, deps) => {
      if (input.rotation) return drillRotation(caller, deps);
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

/** The way on which people are told what an ordinary rotation needs, with a message that says that it is a test. */
async function drillRotation({ requestId, principal, atMs }: Caller, deps: AdminDeps) {
  const message: Message = {
    ...{ severity: "notify", topic: "SupplyOverdue", secretArns: [], steps: ["rekey status"] },
    title: "nothing has to be done",
    lines: [`${shortName(principal)} tries how people are told about rotations`],
  };
  const { delivered, failed } = await deps.escalator.page(messagePage(message, atMs, true));
  await deps.audit.append(deploymentChain, {
    ...{ id: `${requestId}/drill`, atMs, actor: principal, action: "DrillStarted" },
    detail: { rotation: true, delivered: delivered.join(", "), failed: failed.join(", ") },
  });
  return { outcome: "sent", delivered, failed };
}
