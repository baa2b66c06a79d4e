import { attest } from "./attest.ts";
import { type AdminCommand, commandLater } from "./command.ts";
import { drill } from "./drill.ts";
import { examine } from "./examine.ts";
import { hold } from "./hold.ts";
import { incidentAck } from "./incident/ack.ts";
import { incidentContainNow } from "./incident/contain-now.ts";
import { incidentEscalate } from "./incident/escalate.ts";
import { incidentFalseAlarm } from "./incident/false-alarm.ts";
import { incidentNote } from "./incident/note.ts";
import { incidentSwitchFirst } from "./incident/switch-first.ts";
import { incidentUndoQuarantine } from "./incident/undo-quarantine.ts";
import { incidentWaive } from "./incident/waive.ts";
import { overwrite } from "./overwrite.ts";
import { recordScan } from "./record-scan.ts";
import { release } from "./release.ts";
import { reportAlerts } from "./report-alerts.ts";
import { rotate } from "./rotate.ts";
import { resume, stop } from "./stop.ts";
import { supply } from "./supply.ts";

/** Every command that a person may give, one line each. */
export const commands: Readonly<Record<string, AdminCommand>> = {
  apply: commandLater(async () => (await import("./apply/apply.ts")).apply),
  rotate,
  approve: commandLater(async () => (await import("./approve.ts")).approveOf(commandNamed)),
  hold,
  release,
  attest,
  stop,
  resume,
  supply,
  overwrite,
  examine,
  compromise: commandLater(async () => (await import("./compromise/compromise.ts")).compromise),
  drill,
  "incident-ack": incidentAck,
  "incident-contain-now": incidentContainNow,
  "incident-escalate": incidentEscalate,
  "incident-false-alarm": incidentFalseAlarm,
  "incident-note": incidentNote,
  "incident-switch-first": incidentSwitchFirst,
  "incident-undo-quarantine": incidentUndoQuarantine,
  "incident-waive": incidentWaive,
  "record-scan": recordScan,
  "report-alerts": reportAlerts,
};

function commandNamed(name: string): AdminCommand | undefined {
  return Object.hasOwn(commands, name) ? commands[name] : undefined;
}
