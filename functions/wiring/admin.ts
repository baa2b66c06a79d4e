import { randomUUID } from "node:crypto";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { awsBounds } from "../../core/aws-bounds.ts";
import { schedulerSchedules } from "../adapters/scheduler.ts";
import { scheduleSettings, wiring } from "../wiring.ts";
import { peoplePart } from "../wiring-people.ts";
import type { AdminDeps } from "./deps.ts";

let built: AdminDeps | undefined;

/** What every step has, and the schedules on top. */
export function adminWiring(): AdminDeps {
  const schedules = () => schedulerSchedules(new SchedulerClient(awsBounds), scheduleSettings());
  built ??= { ...wiring("admin", peoplePart)(), schedules: schedules(), newId: randomUUID };
  return built;
}
