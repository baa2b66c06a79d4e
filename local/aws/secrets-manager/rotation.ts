import { randomUUID } from "node:crypto";
import * as z from "zod";
import { AwsError } from "../service.ts";
import { read, SecretId, tokenIn } from "./input.ts";
import type { RotationRules, Secret } from "./secrets.ts";
import type { Vault } from "./vault.ts";
import {
  AWSCURRENT,
  AWSPENDING,
  attachLabels,
  defaultKmsKeyId,
  holderOf,
  makeRoom,
  stripLabel,
} from "./versions.ts";

/** Calls a rotation function for one secret. `admit` throws if the function's policy does not let Secrets Manager in. */
export interface Invoke {
  (functionArn: string, payload: Record<string, unknown>): Promise<unknown>;
  readonly admit?: (functionArn: string, secretArn: string) => void;
}

export interface Rotator {
  rotateSecret(input: Record<string, unknown>): { ARN: string; Name: string; VersionId?: string };
  cancelRotateSecret(input: Record<string, unknown>): { ARN: string; Name: string; VersionId?: string };
  /** Resolves when no rotation runs any more. */
  idle(): Promise<void>;
}

const steps = ["createSecret", "setSecret", "testSecret", "finishSecret"] as const;
/** Secrets Manager repeats a failed rotation from its first step "multiple times"; here without a pause. */
const attemptsMax = 3;
const hourMs = 60 * 60 * 1000;
const dayMs = 24 * hourMs;
const shortestRateMs = 4 * hourMs;

const RotateSecret = z.object({
  SecretId,
  ClientRequestToken: z.string().optional(),
  RotationLambdaARN: z.string().max(2048).optional(),
  RotationRules: z
    .object({
      AutomaticallyAfterDays: z.int().min(1).max(1000).optional(),
      ScheduleExpression: z.string().max(256).optional(),
      Duration: z.string().min(2).max(3).optional(),
    })
    .optional(),
  RotateImmediately: z.boolean().optional(),
});

export function rotatorOf(vault: Vault, invoke: Invoke | undefined): Rotator {
  const running = new Map<string, Promise<void>>();
  const start = (token: string, work: () => Promise<void>): void => {
    running.set(
      token,
      Promise.resolve()
        .then(work)
        .finally(() => running.delete(token)),
    );
  };
  /** An outstanding AWSPENDING refuses a new rotation, and the refused call continues the old one. */
  const refuseOutstanding = (secret: Secret, call: Omit<RotationCall, "token">): void => {
    if (!isRotating(secret)) return;
    const token = secret.rotatingVersionId;
    if (token && !running.has(token)) start(token, () => run(vault, secret, { ...call, token }));
    throw previousRotation();
  };

  return {
    rotateSecret(input) {
      const fields = read(RotateSecret, input);
      const token = tokenIn(fields.ClientRequestToken, { code: "InvalidParameterException" });
      refuseBadRules(fields.RotationRules);
      const secret = vault.secrets.findUsable(fields.SecretId);
      const lambdaArn = fields.RotationLambdaARN ?? secret.rotation?.lambdaArn;
      if (!lambdaArn) throw noFunction();
      if (!invoke) throw cannotInvoke();
      assertMayInvoke(invoke, { lambdaArn, secretArn: secret.arn });
      refuseOutstanding(secret, { invoke, lambdaArn });

      secret.rotation = { enabled: true, lambdaArn, rules: fields.RotationRules ?? secret.rotation?.rules };
      secret.lastChangedAtMs = vault.now();
      reserve(vault, secret, token);
      const call = { invoke, lambdaArn, token };
      if (fields.RotateImmediately === false) {
        start(token, () => probe(secret, call));
        return { ARN: secret.arn, Name: secret.name };
      }
      secret.rotatingVersionId = token;
      vault.trail.rotation("RotationStarted", secret, token);
      start(token, () => run(vault, secret, call));
      return { ARN: secret.arn, Name: secret.name, VersionId: token };
    },
    cancelRotateSecret(input) {
      const secret = vault.secrets.findUsable(read(z.object({ SecretId }), input).SecretId);
      if (!secret.rotation) throw noFunction();
      const versionId = secret.rotatingVersionId;
      secret.rotation = { ...secret.rotation, enabled: false };
      secret.rotatingVersionId = undefined;
      return { ARN: secret.arn, Name: secret.name, ...(versionId ? { VersionId: versionId } : {}) };
    },
    async idle() {
      await Promise.allSettled(running.values());
    },
  };
}

/** RotateSecret looks at the function's policy before it starts, and answers the same for a function that is not there. */
function assertMayInvoke(
  { admit }: Invoke,
  { lambdaArn, secretArn }: { readonly lambdaArn: string; readonly secretArn: string },
): void {
  try {
    admit?.(lambdaArn, secretArn);
  } catch (error) {
    if (error instanceof AwsError) throw cannotInvoke();
    throw error;
  }
}

/** Somebody made a version by hand: Secrets Manager drops the rotation in progress and frees AWSPENDING. */
export function abandonRotation(
  vault: Vault,
  secret: Secret,
  { byVersionId }: { byVersionId: string },
): void {
  const token = secret.rotatingVersionId;
  if (token === undefined || token === byVersionId) return;
  secret.rotatingVersionId = undefined;
  if (holderOf(secret.versions, AWSPENDING)?.versionId !== token) return;
  secret.versions = stripLabel(secret.versions, AWSPENDING);
  vault.trail.rotation("RotationAbandoned", secret, token);
}

/** The latest instant of the next rotation; unknown for a cron() schedule, which only production follows. */
export function nextRotationAtMs(secret: Secret): number | undefined {
  const intervalMs = secret.rotation?.enabled ? intervalOf(secret.rotation.rules) : undefined;
  if (intervalMs === undefined) return undefined;
  const current = holderOf(secret.versions, AWSCURRENT);
  return Math.max(secret.lastRotatedAtMs ?? 0, current?.createdAtMs ?? secret.createdAtMs) + intervalMs;
}

interface RotationCall {
  readonly invoke: Invoke;
  readonly lambdaArn: string;
  readonly token: string;
}

async function run(vault: Vault, secret: Secret, call: RotationCall): Promise<void> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const isDone = await tryOnce(secret, call);
    if (secret.rotatingVersionId !== call.token) return;
    if (isDone) {
      secret.rotatingVersionId = undefined;
      secret.versions = stripLabel(secret.versions, AWSPENDING);
      secret.lastRotatedAtMs = vault.now();
      vault.trail.rotation("RotationSucceeded", secret, call.token);
      return;
    }
  }
  vault.trail.rotation("RotationFailed", secret, call.token);
}

/** Runs the four steps; stops between two of them when the rotation was cancelled or abandoned. */
async function tryOnce(secret: Secret, call: RotationCall): Promise<boolean> {
  for (const step of steps) {
    if (secret.rotatingVersionId !== call.token) return false;
    if (!(await isStepDone(secret, step, call))) return false;
  }
  return !isRotating(secret);
}

/** RotateImmediately=false only tries the function's testSecret, on a version that is gone afterwards. */
async function probe(secret: Secret, call: RotationCall): Promise<void> {
  await isStepDone(secret, "testSecret", call);
  if (holderOf(secret.versions, AWSPENDING)?.versionId === call.token) {
    secret.versions = stripLabel(secret.versions, AWSPENDING);
  }
}

async function isStepDone(secret: Secret, step: string, call: RotationCall): Promise<boolean> {
  const event = {
    Step: step,
    SecretId: secret.arn,
    ClientRequestToken: call.token,
    RotationToken: randomUUID(),
  };
  try {
    await call.invoke(call.lambdaArn, event);
    return true;
  } catch {
    // Secrets Manager does not report why a rotation function failed: that is in the function's own log.
    return false;
  }
}

/** The pending version id exists before the function runs, and has no value until the function puts one. */
function reserve(vault: Vault, secret: Secret, token: string): void {
  if (secret.versions.some(({ versionId }) => versionId === token)) {
    secret.versions = attachLabels(secret.versions, token, { stages: [AWSPENDING] });
    return;
  }
  const shell = {
    versionId: token,
    stages: [AWSPENDING],
    createdAtMs: vault.now(),
    kmsKeyId: secret.kmsKeyId ?? defaultKmsKeyId,
  };
  const others = stripLabel(secret.versions, AWSPENDING);
  secret.versions = [...makeRoom(others, vault.now()), shell];
}

function isRotating({ versions }: Secret): boolean {
  const pending = holderOf(versions, AWSPENDING);
  return pending !== undefined && pending !== holderOf(versions, AWSCURRENT);
}

function refuseBadRules(rules: RotationRules | undefined): void {
  if (!rules) return;
  const { AutomaticallyAfterDays, ScheduleExpression } = rules;
  if (AutomaticallyAfterDays !== undefined && ScheduleExpression !== undefined) {
    throw new AwsError(
      "InvalidParameterException",
      "You can specify AutomaticallyAfterDays or ScheduleExpression, but not both.",
    );
  }
  if (ScheduleExpression === undefined || /^cron\(.+\)$/.test(ScheduleExpression)) return;
  const intervalMs = intervalOf(rules);
  if (intervalMs === undefined || intervalMs < shortestRateMs) {
    throw new AwsError(
      "InvalidParameterException",
      "ScheduleExpression must be cron() or rate(), and no more often than every four hours.",
    );
  }
}

function intervalOf(rules: RotationRules | undefined): number | undefined {
  if (rules?.AutomaticallyAfterDays !== undefined) return rules.AutomaticallyAfterDays * dayMs;
  const rate = /^rate\((?<count>\d+) (?<unit>hour|day)s?\)$/.exec(rules?.ScheduleExpression ?? "")?.groups;
  return rate ? Number(rate["count"]) * (rate["unit"] === "day" ? dayMs : hourMs) : undefined;
}

const previousRotation = (): AwsError =>
  new AwsError(
    "InvalidRequestException",
    "A previous rotation isn't complete. That rotation will be reattempted.",
  );

const noFunction = (): AwsError =>
  new AwsError("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.");

const cannotInvoke = (): AwsError =>
  new AwsError(
    "AccessDeniedException",
    "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants " +
      "access to the principal secretsmanager.amazonaws.com.",
  );
