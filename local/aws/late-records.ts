import type { CloudTrailRecord } from "./cloudtrail-record.ts";
import type { ServiceEvent } from "./event.ts";

/** CloudTrail hands its records to EventBridge minutes later. Here it is seconds, and still after the call's effect. */
const lateMs = 5_000;
/** Those that a rule of Rekey takes: of every other one the bus would say that nobody heard it. */
const heard: ReadonlySet<string> = new Set(["RotateSecret"]);

/** Puts the records of changing calls on the account's own bus. */
export function lateRecords(bus: { emit(event: ServiceEvent): void }): (record: CloudTrailRecord) => void {
  return (record) => {
    if (!heard.has(record.eventName)) return;
    const event = {
      ...{ source: "aws.secretsmanager", "detail-type": "AWS API Call via CloudTrail", resources: [] },
      detail: { ...record },
    };
    setTimeout(() => bus.emit(event), lateMs).unref();
  };
}
