import { raiseAlert } from "./alerts/raise-alert.ts";
import { advanceCampaigns } from "./campaign/advance-campaigns.ts";
import { noteCaller } from "./evidence/note-caller.ts";
import { recordEvidence } from "./evidence/record-evidence.ts";
import { recordRead } from "./evidence/record-read.ts";
import { awaitIncident } from "./incident/await-incident.ts";
import { blockContainment } from "./incident/block-containment.ts";
import { certifyIncident } from "./incident/certify-incident.ts";
import { checkClock } from "./incident/check-clock.ts";
import { checkRecovery } from "./incident/check-recovery.ts";
import { closeIncident } from "./incident/close-incident.ts";
import { containKey } from "./incident/contain-key.ts";
import { escalate } from "./incident/escalate.ts";
import { fileReport } from "./incident/file-report.ts";
import { noteReplacement } from "./incident/note-replacement.ts";
import { openIncident } from "./incident/open-incident.ts";
import { proveContained } from "./incident/prove-contained.ts";
import { scopeIncident } from "./incident/scope-incident.ts";
import { settleIncident } from "./incident/settle-incident.ts";
import { issueKey } from "./issue/issue-key.ts";
import { nativeBridge } from "./native/native-bridge.ts";
import { awaitEvidence } from "./rotation/await-evidence.ts";
import { awaitKey } from "./rotation/await-key.ts";
import { certifyRotation } from "./rotation/certify-rotation.ts";
import { checkAdoption } from "./rotation/check-adoption.ts";
import { checkCopies } from "./rotation/check-copies.ts";
import { checkPromotion } from "./rotation/check-promotion.ts";
import { closeRotation } from "./rotation/close-rotation.ts";
import { mintKey } from "./rotation/mint-key.ts";
import { nudgeConsumers } from "./rotation/nudge-consumers.ts";
import { openRotation } from "./rotation/open-rotation.ts";
import { promoteVersion } from "./rotation/promote-version.ts";
import { proveDead } from "./rotation/prove-dead.ts";
import { proveIncoming } from "./rotation/prove-incoming.ts";
import { quarantineKey } from "./rotation/quarantine-key.ts";
import { revokeKey } from "./rotation/revoke-key.ts";
import { settleRotation } from "./rotation/settle-rotation.ts";
import { writeCopies } from "./rotation/write-copies.ts";
import { endIssued } from "./upkeep/end-issued.ts";
import { observeSecrets } from "./upkeep/observe-secrets.ts";
import { pushAudit } from "./upkeep/push-audit.ts";
import { settleClosed } from "./upkeep/settle-closed.ts";
import { sweep } from "./upkeep/sweep.ts";
import { tellPeople } from "./upkeep/tell-people.ts";

/** Every step, for running them in one process: the local cloud and the simulator. One line each. */
export const steps = [
  openRotation,
  checkCopies,
  mintKey,
  nativeBridge,
  awaitKey,
  proveIncoming,
  checkPromotion,
  promoteVersion,
  writeCopies,
  nudgeConsumers,
  checkAdoption,
  awaitEvidence,
  quarantineKey,
  revokeKey,
  proveDead,
  certifyRotation,
  closeRotation,
  settleRotation,
  settleClosed,
  recordEvidence,
  recordRead,
  noteCaller,
  raiseAlert,
  advanceCampaigns,
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
  certifyIncident,
  closeIncident,
  settleIncident,
  sweep,
  observeSecrets,
  tellPeople,
  pushAudit,
  issueKey,
  endIssued,
] as const satisfies readonly unknown[];

/** The steps that contain a key where no machine runs: with a sealed kit (functions/sealed-kit/). */
export const incidentSteps = { openIncident, containKey, proveContained };
