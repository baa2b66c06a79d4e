import type { AuditEntry } from "./entry.ts";

/** The version of Rekey's packages, which a test holds equal to it: a function has no package.json beside it. */
export const productVersion = "0.1.0";

/** One entry as an Entity Management event (3004) of OCSF 1.8 about the secret whose log it is in. */
export function ocsfEvent(entry: AuditEntry, about: { readonly name: string; readonly id: string }) {
  const { seq, atMs, actor, action, detail, hash, previousHash } = entry;
  const isPerson = actor.startsWith("arn:");
  return {
    ...ocsfBase({ activity: activityOf(action), atMs, uid: `${about.id}/${seq}` }),
    ...{ status_id: 1, message: action },
    actor: isPerson
      ? { user: { uid: actor, name: actor.split("/").at(-1) } }
      : { app_name: "rekey", app_uid: actor },
    entity: { name: about.name, uid: about.id, type: "secret" },
    unmapped: { seq, action, detail, hash, previous_hash: previousHash },
  };
}

/** Create, Read, Update, Delete, Enable, Disable, as Entity Management counts them. */
function activityOf(action: string): number {
  if (/Revoked|Removed|Discarded|DeathRecorded/.test(action)) return 4;
  if (/Quarantine(?!Undone)|Held|Stopped|Frozen/.test(action)) return 9;
  if (/Undone|Released|Resumed/.test(action)) return 8;
  if (/Opened|Requested|Filed|Minted/.test(action)) return 1;
  return 3;
}

const entityManagement = 3004;

export function ocsfBase(of: { readonly activity: number; readonly atMs: number; readonly uid: string }) {
  const { activity, atMs, uid } = of;
  return {
    ...{ activity_id: activity, category_uid: 3, class_uid: entityManagement },
    ...{ type_uid: entityManagement * 100 + activity, time: atMs, severity_id: 1 },
    metadata: {
      ...{ version: "1.8.0", uid },
      product: { name: "rekey", vendor_name: "rekey", version: productVersion },
    },
  };
}
