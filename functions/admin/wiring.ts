import { randomUUID } from "node:crypto";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { schedulerSchedules } from "../adapters/scheduler.ts";
import { settings, wiring } from "../wiring.ts";
import { peoplePart } from "../wiring-people.ts";
import type { AdminDeps } from "./deps.ts";

let built: AdminDeps | undefined;

/** What every step has, and the schedules on top. */
export function adminWiring(): AdminDeps {
  built ??= { ...wiring("admin", peoplePart)(), schedules: schedules(), newId: randomUUID };
  return built;
}

function schedules() {
  const deadLetterArn = process.env["REKEY_SCHEDULE_DLQ_ARN"];
  return schedulerSchedules(new SchedulerClient({}), {
    group: process.env["REKEY_SCHEDULE_GROUP"] ?? "rekey",
    roleArn: process.env["REKEY_SCHEDULER_ROLE_ARN"] ?? "",
    machineArn: settings().rotationMachineArn,
    ...(deadLetterArn !== undefined && { deadLetterArn }),
  });
}
