import { awaitEvidence } from "./await-evidence.ts";
import { awaitKey } from "./await-key.ts";
import { checkAdoption } from "./check-adoption.ts";
import { closeRotation } from "./close-rotation.ts";
import { mintKey } from "./mint-key.ts";
import { nudgeConsumers } from "./nudge-consumers.ts";
import { openRotation } from "./open-rotation.ts";
import { promoteVersion } from "./promote-version.ts";
import { proveDead } from "./prove-dead.ts";
import { proveIncoming } from "./prove-incoming.ts";
import { quarantineKey } from "./quarantine-key.ts";
import { recordEvidence } from "./record-evidence.ts";
import { revokeKey } from "./revoke-key.ts";
import { settleClosed } from "./settle-closed.ts";
import { settleRotation } from "./settle-rotation.ts";

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
] as const satisfies readonly unknown[];
