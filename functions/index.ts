import { awaitEvidence } from "./await-evidence.ts";
import { awaitIncident } from "./await-incident.ts";
import { awaitKey } from "./await-key.ts";
import { blockContainment } from "./block-containment.ts";
import { checkAdoption } from "./check-adoption.ts";
import { checkClock } from "./check-clock.ts";
import { checkRecovery } from "./check-recovery.ts";
import { closeIncident } from "./close-incident.ts";
import { closeRotation } from "./close-rotation.ts";
import { containKey } from "./contain-key.ts";
import { escalate } from "./escalate.ts";
import { fileReport } from "./file-report.ts";
import { mintKey } from "./mint-key.ts";
import { noteReplacement } from "./note-replacement.ts";
import { nudgeConsumers } from "./nudge-consumers.ts";
import { openIncident } from "./open-incident.ts";
import { openRotation } from "./open-rotation.ts";
import { promoteVersion } from "./promote-version.ts";
import { proveContained } from "./prove-contained.ts";
import { proveDead } from "./prove-dead.ts";
import { proveIncoming } from "./prove-incoming.ts";
import { quarantineKey } from "./quarantine-key.ts";
import { raiseAlert } from "./raise-alert.ts";
import { recordEvidence } from "./record-evidence.ts";
import { recordRead } from "./record-read.ts";
import { revokeKey } from "./revoke-key.ts";
import { scopeIncident } from "./scope-incident.ts";
import { settleClosed } from "./settle-closed.ts";
import { settleIncident } from "./settle-incident.ts";
import { settleRotation } from "./settle-rotation.ts";
import { sweep } from "./sweep.ts";

/** Every step, for whoever runs them in one process: the local cloud and the simulator. One line each. */
export const steps = [
  openRotation,
  mintKey,
  awaitKey,
  proveIncoming,
  promoteVersion,
  nudgeConsumers,
  checkAdoption,
  awaitEvidence,
  quarantineKey,
  revokeKey,
  proveDead,
  closeRotation,
  settleRotation,
  settleClosed,
  recordEvidence,
  recordRead,
  raiseAlert,
  openIncident,
  containKey,
  proveContained,
  blockContainment,
  noteReplacement,
  checkRecovery,
  checkClock,
  escalate,
  awaitIncident,
  scopeIncident,
  fileReport,
  closeIncident,
  settleIncident,
  sweep,
] as const satisfies readonly unknown[];
