import type { Schedules } from "../../deps.ts";
import { schedulesLater } from "../clients-later.ts";
import { scheduleSettings } from "../settings.ts";

/** The schedules that start rotations. */
export const schedules = (): Schedules => schedulesLater(scheduleSettings());
