import { page } from "./input.ts";
import { Clock, type MissedFiring } from "./scheduler/clock.ts";
import { notFound, readSchedule, type Schedule } from "./scheduler/schedule.ts";
import {
  AwsError,
  type HttpRequest,
  type HttpResponse,
  type HttpService,
  type InnerCall,
} from "./service.ts";
import type { Reach } from "./targets.ts";

export interface SchedulerOptions {
  readonly region: string;
  readonly account: string;
  readonly reach: Reach;
  /** Whether a schedule fires twice at one time: Scheduler is at-least-once. */
  duplicate?(scheduleArn: string): boolean;
  /** Throws an AwsError unless the schedule's role may call its target; without it every schedule may. */
  admit?(schedule: Schedule, call: InnerCall): void;
  /** Gets what could not be started, for the queue that the schedule names. */
  keep?(firing: MissedFiring, schedule: Schedule): void;
  /** 0 to 1: where in its flexible window a firing falls; Math.random by default. */
  random?(): number;
}

export interface Scheduler extends HttpService {
  readonly name: "scheduler";
  /** Firings that no attempt could deliver, oldest first. */
  missed(): readonly MissedFiring[];
  addGroup(name: string): void;
  /** With every schedule in it. */
  dropGroup(name: string): void;
  close(): void;
}

interface Group {
  readonly name: string;
  readonly createdAt: number;
}

const schedulesMax = 10_000;
const groupsMax = 500;
const pageSizeMax = 100;
const pathPattern = /^\/(schedules|schedule-groups)(?:\/([^/]+))?$/;

/** EventBridge Scheduler on loopback, for one account and Region. */
export function scheduler(options: SchedulerOptions): Scheduler {
  return new Schedules(options);
}

class Schedules implements Scheduler {
  readonly name = "scheduler";
  readonly #arnPrefix: string;
  readonly #clock: Clock;
  readonly #schedules = new Map<string, Schedule>();
  readonly #groups = new Map<string, Group>();

  constructor(options: SchedulerOptions) {
    const { region, account, reach, random = Math.random } = options;
    this.#groups.set("default", { name: "default", createdAt: Date.now() });
    this.#arnPrefix = `arn:aws:scheduler:${region}:${account}:`;
    this.#clock = new Clock({
      reach,
      region,
      account,
      random,
      duplicate: (arn) => options.duplicate?.(arn) ?? false,
      admit: (schedule, call) => options.admit?.(schedule, call),
      keep: (firing, schedule) => options.keep?.(firing, schedule),
      onCompleted: (schedule) => {
        if (schedule.deleteAfterwards) this.#schedules.delete(schedule.arn);
      },
    });
  }

  matches({ path, signingService }: HttpRequest): boolean {
    return pathPattern.test(path) && (signingService === "scheduler" || signingService === "");
  }

  operation({ method, path }: HttpRequest): string {
    const [, kind, name] = pathPattern.exec(path) ?? [];
    const noun = kind === "schedules" ? "Schedule" : "ScheduleGroup";
    if (name === undefined) return `List${noun}s`;
    return `${{ POST: "Create", GET: "Get", PUT: "Update", DELETE: "Delete" }[method] ?? method}${noun}`;
  }

  refusal({ code, message }: AwsError): HttpResponse {
    return {
      status: 403,
      headers: { "content-type": "application/json", "x-amzn-errortype": code },
      body: JSON.stringify({ Message: message }),
    };
  }

  async handle(request: HttpRequest): Promise<HttpResponse> {
    if (request.signingService === "") {
      throw new AwsError("MissingAuthenticationTokenException", "Missing Authentication Token", 403);
    }
    const body = this.#answer(request);
    return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  }

  addGroup(name: string): void {
    this.#createGroup(name);
  }

  dropGroup(name: string): void {
    this.#deleteGroup(name);
  }

  missed(): readonly MissedFiring[] {
    return this.#clock.missed;
  }

  close(): void {
    this.#clock.close();
  }

  #answer(request: HttpRequest): unknown {
    const name = decodeURIComponent(pathPattern.exec(request.path)?.[2] ?? "");
    const group = request.query.get("groupName") ?? "default";
    switch (this.operation(request)) {
      case "CreateSchedule":
        return this.#create(name, bodyOf(request));
      case "UpdateSchedule":
        return this.#update(name, bodyOf(request));
      case "GetSchedule":
        return described(this.#find(group, name));
      case "DeleteSchedule":
        return this.#delete(this.#find(group, name));
      case "ListSchedules":
        return this.#list(request.query);
      case "CreateScheduleGroup":
        return this.#createGroup(name);
      case "GetScheduleGroup":
        return this.#describedGroup(this.#group(name));
      case "DeleteScheduleGroup":
        return this.#deleteGroup(name);
      case "ListScheduleGroups":
        return this.#listGroups(request.query);
      default:
        throw new AwsError("UnknownOperationException", `${request.method} does not work here`, 404);
    }
  }

  #create(name: string, body: Record<string, unknown>): unknown {
    refuseName(name);
    const schedule = readSchedule(body, { name, arnPrefix: this.#arnPrefix, createdAt: undefined });
    this.#group(schedule.group);
    if (this.#schedules.has(schedule.arn)) {
      throw new AwsError("ConflictException", `Schedule ${name} already exists.`, 409);
    }
    if (this.#schedules.size >= schedulesMax) {
      throw new AwsError("ServiceQuotaExceededException", `at most ${schedulesMax} schedules`, 402);
    }
    return this.#put(schedule);
  }

  /** Everything that the request does not say goes back to its default. */
  #update(name: string, body: Record<string, unknown>): unknown {
    const group = typeof body["GroupName"] === "string" ? body["GroupName"] : "default";
    const { createdAt } = this.#find(group, name);
    return this.#put(readSchedule(body, { name, arnPrefix: this.#arnPrefix, createdAt }));
  }

  #put(schedule: Schedule): unknown {
    this.#schedules.set(schedule.arn, schedule);
    this.#clock.set(schedule);
    return { ScheduleArn: schedule.arn };
  }

  #delete(schedule: Schedule): unknown {
    this.#clock.remove(schedule.arn);
    this.#schedules.delete(schedule.arn);
    return {};
  }

  #list(query: URLSearchParams): unknown {
    const group = query.get("ScheduleGroup");
    const prefix = query.get("NamePrefix") ?? "";
    const state = query.get("State");
    const listed = [...this.#schedules.values()]
      .filter((one) => (group === null || one.group === group) && one.name.startsWith(prefix))
      .filter(({ given }) => state === null || given["State"] === state)
      .sort((a, b) => a.arn.localeCompare(b.arn));
    const { items, nextToken } = page(listed, pageOf(query));
    return { Schedules: items.map(summary), NextToken: nextToken };
  }

  #createGroup(name: string): unknown {
    refuseName(name);
    if (this.#groups.has(name))
      throw new AwsError("ConflictException", `Schedule group ${name} already exists.`, 409);
    if (this.#groups.size >= groupsMax) {
      throw new AwsError("ServiceQuotaExceededException", `at most ${groupsMax} schedule groups`, 402);
    }
    this.#groups.set(name, { name, createdAt: Date.now() });
    return { ScheduleGroupArn: this.#groupArn(name) };
  }

  /** Takes the group's schedules with it. */
  #deleteGroup(name: string): unknown {
    if (name === "default")
      throw new AwsError("ValidationException", "The default schedule group cannot be deleted.");
    this.#group(name);
    for (const schedule of this.#schedules.values()) if (schedule.group === name) this.#delete(schedule);
    this.#groups.delete(name);
    return {};
  }

  #listGroups(query: URLSearchParams): unknown {
    const prefix = query.get("NamePrefix") ?? "";
    const listed = [...this.#groups.values()].filter(({ name }) => name.startsWith(prefix));
    const { items, nextToken } = page(listed, pageOf(query));
    return { ScheduleGroups: items.map((group) => this.#describedGroup(group)), NextToken: nextToken };
  }

  #describedGroup({ name, createdAt }: Group): unknown {
    const at = createdAt / 1000;
    return {
      Arn: this.#groupArn(name),
      Name: name,
      State: "ACTIVE",
      CreationDate: at,
      LastModificationDate: at,
    };
  }

  #group(name: string): Group {
    const group = this.#groups.get(name);
    if (!group) throw notFound("Schedule group", name);
    return group;
  }

  #groupArn(name: string): string {
    return `${this.#arnPrefix}schedule-group/${name}`;
  }

  #find(group: string, name: string): Schedule {
    const schedule = this.#schedules.get(`${this.#arnPrefix}schedule/${group}/${name}`);
    if (!schedule) throw notFound("Schedule", name);
    return schedule;
  }
}

function described({ arn, name, group, given, createdAt, changedAt }: Schedule): Record<string, unknown> {
  const dates = { CreationDate: createdAt / 1000, LastModificationDate: changedAt / 1000 };
  return { Arn: arn, Name: name, GroupName: group, ...dates, ...given };
}

function summary(schedule: Schedule): Record<string, unknown> {
  const { Arn, Name, GroupName, State, CreationDate, LastModificationDate } = described(schedule);
  return {
    Arn,
    Name,
    GroupName,
    State,
    CreationDate,
    LastModificationDate,
    Target: { Arn: schedule.target.Arn },
  };
}

function refuseName(name: string): void {
  if (!/^[\w.-]{1,64}$/.test(name)) {
    throw new AwsError(
      "ValidationException",
      "a name has 1 to 64 of the characters A-Z, a-z, 0-9, ., - and _",
    );
  }
}

function pageOf(query: URLSearchParams): { token: string | undefined; size: number; code: string } {
  const size = Number(query.get("MaxResults") ?? pageSizeMax);
  if (!Number.isInteger(size) || size < 1 || size > pageSizeMax) {
    throw new AwsError("ValidationException", `MaxResults is between 1 and ${pageSizeMax}`);
  }
  return { token: query.get("NextToken") ?? undefined, size, code: "ValidationException" };
}

function bodyOf({ body }: HttpRequest): Record<string, unknown> {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new AwsError("ValidationException", "the body is no JSON");
  }
}
