import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { awsBounds } from "../../../aws/bounds.ts";
import type { ScheduleTarget } from "../../../core/schedule.ts";
import { schedulerSchedules } from "../../adapters/scheduler.ts";
import type { Schedules } from "../../deps.ts";

export function connectSchedules(target: ScheduleTarget): Schedules {
  return schedulerSchedules(new SchedulerClient(awsBounds), target);
}
