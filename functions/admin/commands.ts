import { type AdminCommand, commandLater } from "./command.ts";
import { forget } from "./forget.ts";
import { hold } from "./hold.ts";
import { incidentAck } from "./incident/ack.ts";
import { incidentEscalate } from "./incident/escalate.ts";
import { incidentNote } from "./incident/note.ts";
import { recordScan } from "./record-scan.ts";
import { release } from "./release.ts";
import { rotate } from "./rotate.ts";
import { resume, stop } from "./stop.ts";

/** Every command that a person may give, one line each. */
export const commands: Readonly<Record<string, AdminCommand>> = {
  apply: commandLater(async () => (await import("./apply/apply.ts")).apply),
  rotate,
  abort: commandLater(async () => (await import("./abort.ts")).abort),
  approve: commandLater(async () => (await import("./approve.ts")).approveOf(commandNamed)),
  hold,
  release,
  attest: commandLater(async () => (await import("./attest.ts")).attest),
  forget,
  "kit-reconcile": commandLater(async () => (await import("./reconcile-kit.ts")).reconcileKit),
  issue: commandLater(async () => (await import("./issue/issue.ts")).issue),
  retire: commandLater(async () => (await import("./issue/retire.ts")).retire),
  leave: commandLater(async () => (await import("./leave.ts")).leave),
  stop,
  resume,
  supply: commandLater(async () => (await import("./supply.ts")).supply),
  overwrite: commandLater(async () => (await import("./overwrite.ts")).overwrite),
  examine: commandLater(async () => (await import("./examine.ts")).examine),
  compromise: commandLater(async () => (await import("./compromise/compromise.ts")).compromise),
  campaign: commandLater(async () => (await import("./campaign/campaign.ts")).campaign),
  "campaign-pause": commandLater(async () => (await import("./campaign/steer.ts")).campaignPause),
  "campaign-resume": commandLater(async () => (await import("./campaign/steer.ts")).campaignResume),
  "campaign-clean": commandLater(async () => (await import("./campaign/steer.ts")).campaignClean),
  drill: commandLater(async () => (await import("./drill.ts")).drill),
  "incident-ack": incidentAck,
  "incident-contain-now": commandLater(
    async () => (await import("./incident/contain-now.ts")).incidentContainNow,
  ),
  "incident-escalate": incidentEscalate,
  "incident-false-alarm": commandLater(
    async () => (await import("./incident/false-alarm.ts")).incidentFalseAlarm,
  ),
  "incident-note": incidentNote,
  "incident-switch-first": commandLater(
    async () => (await import("./incident/switch-first.ts")).incidentSwitchFirst,
  ),
  "incident-undo-quarantine": commandLater(
    async () => (await import("./incident/undo-quarantine.ts")).incidentUndoQuarantine,
  ),
  "incident-waive": commandLater(async () => (await import("./incident/waive.ts")).incidentWaive),
  "record-scan": recordScan,
  "report-alerts": commandLater(async () => (await import("./report-alerts.ts")).reportAlerts),
};

function commandNamed(name: string): AdminCommand | undefined {
  return Object.hasOwn(commands, name) ? commands[name] : undefined;
}
