import type { Schedule, ScheduleTarget } from "../../core/schedule.ts";
import type { Deps } from "../deps.ts";

/** The schedules of one group, and where new ones point. */
export interface Schedules {
  readonly target: ScheduleTarget;
  /** Every schedule of the group that starts a rotation; other people's are left out. */
  list(): Promise<readonly Schedule[]>;
  /** Creates it, or makes the one of this name say the same. A repeat changes nothing. */
  put(schedule: Schedule): Promise<void>;
  /** Gone already is fine. */
  remove(name: string): Promise<void>;
}

/** What the commands of people may touch on top of what a step may. */
export interface AdminDeps extends Deps {
  readonly schedules: Schedules;
  /** A new one at each call; letters, digits and hyphens. */
  newId(): string;
}
