import { randomUUID } from "node:crypto";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { awsBounds } from "../../aws/bounds.ts";
import { schedulerSchedules } from "../adapters/scheduler.ts";
import type { AdminDeps } from "../deps.ts";
import { wiring } from "./base.ts";
import { peoplePart } from "./parts.ts";
import { scheduleSettings } from "./settings.ts";

let built: AdminDeps | undefined;

/** What every step has, and the schedules. */
export function adminWiring(): AdminDeps {
  const schedules = () => schedulerSchedules(new SchedulerClient(awsBounds), scheduleSettings());
  built ??= { ...wiring("admin", peoplePart)(), schedules: schedules(), newId: randomUUID };
  return built;
}
