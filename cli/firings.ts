import { createHash } from "node:crypto";
import { isRotated, type Policy } from "../core/policy.ts";
import { hashLimit, scheduleFor } from "../core/schedule.ts";
import { utcText } from "../core/utc.ts";
import { firingsOf } from "../events/policy-file/schedule-mistakes.ts";

/** The next three times at which a policy's schedule fires, at the point of the interval that `apply` gives it. */
export function firingsText(policy: Policy, nowMs: number): string {
  if (!isRotated(policy)) return "";
  const digest = createHash("sha256").update(policy.secretArn).digest("hex");
  const hash = Number.parseInt(digest.slice(0, 12), 16) % hashLimit;
  const target = { group: "", machineArn: "", roleArn: "" };
  const isRate = policy.schedule?.startsWith("rate(") === true;
  const startAtMs = isRate ? scheduleFor(policy, { nowMs, hash, target })?.startAtMs : undefined;
  return firingsOf(policy, { nowMs, ...(startAtMs !== undefined && { startAtMs }) })
    .map(utcText)
    .join(", ");
}
