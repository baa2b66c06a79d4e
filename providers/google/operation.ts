import { setTimeout as realPause } from "node:timers/promises";
import * as z from "zod";
import { ProviderGarbled, ProviderUnavailable } from "../../core/errors.ts";
import type { AdminApi } from "../admin-api.ts";

const pollsMax = 10;
const pollEveryMs = 1_000;

const Operation = z.object({
  name: z.string().regex(/^operations\/[A-Za-z0-9._-]{1,256}$/),
  done: z.boolean().nullish(),
  error: z.object({ code: z.int() }).nullish(),
});
export type Operation = z.output<typeof Operation>;

/** Google's own codes of an operation that failed. */
export const operationCodes = {
  invalidArgument: 3,
  alreadyExists: 6,
  resourceExhausted: 8,
  failedPrecondition: 9,
} as const;

/** Asks until the operation has ended; one that has not within ten seconds may still do so. */
export async function ended(
  json: unknown,
  { api, pause = realPause }: { readonly api: AdminApi; readonly pause?: (ms: number) => Promise<unknown> },
): Promise<Operation> {
  let operation = operationIn(json);
  for (let poll = 0; poll < pollsMax; poll++) {
    if (operation.done === true) return operation;
    await pause(pollEveryMs);
    operation = operationIn((await api.read(`/v2/${operation.name}`)).json);
  }
  throw new ProviderUnavailable(`google's operation has not ended after ${pollsMax} polls`);
}

function operationIn(json: unknown): Operation {
  const parsed = Operation.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ProviderGarbled("google answered something else than an operation");
}
