import type { ProviderPolicy } from "../../core/policy.ts";
import type { EventBus, Executions } from "../../core/ports.ts";
import type { ScheduleTarget } from "../../core/schedule.ts";
import type { boundedHttp, Http } from "../../providers/http.ts";
import type { MachineArns } from "../adapters/step-functions.ts";
import type { Deps, Schedules } from "../deps.ts";
import { once } from "./once.ts";

// Most functions are given ports that they never use. So each client is loaded at the first call of its port, and
// the cold start of a function does not wait for clients that it does not need.

/** Rekey's own bus. */
export function busLater(busName: string): EventBus {
  const loaded = once(async () => (await import("./clients/event-bridge.ts")).connectBus(busName));
  return { publish: async (event) => (await loaded()).publish(event) };
}

export function executionsLater(machines: MachineArns): Executions {
  const loaded = once(async () => (await import("./clients/step-functions.ts")).connectExecutions(machines));
  return {
    succeed: async (token, output) => (await loaded()).succeed(token, output),
    fail: async (token, failure) => (await loaded()).fail(token, failure),
    describe: async (executionArn) => (await loaded()).describe(executionArn),
    start: async (request) => (await loaded()).start(request),
    stop: async (executionArn, reason) => (await loaded()).stop(executionArn, reason),
  };
}

export function schedulesLater(target: ScheduleTarget): Schedules {
  const loaded = once(async () => (await import("./clients/scheduler.ts")).connectSchedules(target));
  return {
    target,
    list: async (isWanted) => (await loaded()).list(isWanted),
    put: async (schedule) => (await loaded()).put(schedule),
    remove: async (name) => (await loaded()).remove(name),
  };
}

/** The client of one provider account, under its budget: a function that starts without a call to one does not load it. */
export function httpLater(
  limits: Parameters<typeof boundedHttp>[0],
  account: { readonly policy: ProviderPolicy; readonly deps: Pick<Deps, "ledger" | "clock"> },
): Http {
  const loaded = once(async () => {
    const { budgetedHttp } = await import("./clients/provider-budget.ts");
    const { boundedHttp } = await import("../../providers/http.ts");
    return budgetedHttp(boundedHttp(limits), account.policy, account.deps);
  });
  return { send: async (request) => (await loaded()).send(request) };
}
