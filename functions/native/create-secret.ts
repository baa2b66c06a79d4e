import { InputInvalid, NeedsHuman, RotationError } from "../../core/errors.ts";
import { isRotated, type Policy } from "../../core/policy.ts";
import { executionName } from "../../core/rotation/execution-name.ts";
import { nativeRunOf } from "../../core/rotation/native.ts";
import { whyNoRunOpens } from "../../core/rotation/open.ts";
import { refusalText } from "../../core/rotation/refusal.ts";
import { bump, type SecretRecord, type Ticket } from "../../core/rotation/secret-record.ts";
import { supersededToResume } from "../../core/rotation/superseded.ts";
import { endWait } from "../../core/rotation/wait.ts";
import type { Deps } from "../deps.ts";
import { mintAndStage } from "../secret/mint-and-stage.ts";
import { askPromotion } from "../secret/promotion-gate.ts";
import { stopFor } from "../secret/stop-order.ts";
import { bridgeArn, cleanUp, lookAtRun, type NativeCall, waitFor } from "./native-call.ts";

/** Starts the rotation, and puts its key into the token's version once the machine asks for it. */
export async function createSecret(call: NativeCall, deps: Deps): Promise<"staged"> {
  const policy = await policyFor(call, deps);
  const { isHeld, rotation } = await lookAtRun(call, deps);
  const executionArn = !isHeld && rotation === undefined ? await start({ call, policy }, deps) : undefined;
  const ticket = await waitFor(call, {
    ...{ what: "the request for a key", deps, executionArn },
    answer: ({ record, isHeld: isOurs }) => {
      const { run, wait, fence } = record;
      if (!isOurs || run === undefined) return undefined;
      const isStaged = run.phase !== "opened";
      if (isStaged && run.incoming.versionId !== call.token) return undefined;
      const { secretArn } = call;
      // Also of a key that an earlier try has staged, if it ended before it could tell the machine.
      if (wait?.decision === "supply") return { secretArn, rotationId: run.rotationId, fence };
      return isStaged ? ("staged" as const) : undefined;
    },
  });
  return ticket === "staged" ? ticket : stage({ call, policy, ticket }, deps);
}

interface Starting {
  readonly call: NativeCall;
  readonly policy: Policy;
}

async function policyFor({ secretArn }: NativeCall, deps: Deps): Promise<Policy> {
  const policy = await deps.ledger.policy(secretArn);
  if (policy === undefined)
    throw new InputInvalid(`no policy names ${secretArn}: declare it in rekey.yml and run rekey apply`);
  if (isRotated(policy)) return policy;
  throw new InputInvalid(`${policy.name} is only watched (mode: ${policy.mode}), never rotated`);
}

/** What may keep the machine waiting for longer than a step of Secrets Manager may take is refused here. */
async function start({ call, policy }: Starting, deps: Deps): Promise<string> {
  const { secretArn, token } = call;
  const record = await deps.ledger.secret(secretArn);
  const busy = whyNoRunOpens(record) ?? (await stopFor(policy, deps));
  if (busy !== undefined) return queueForLater({ call, policy, why: refusalText(busy) }, deps);
  const { shape } = deps.provider(policy).capabilities;
  if (shape.kind === "assisted")
    return queueInstead({ call, policy, why: "a person has to supply the key" }, deps);
  const why = await whyNotInMinutes({ policy, record }, deps);
  if (why !== undefined) return queueInstead({ call, policy, why }, deps);
  if (record.run?.owed !== undefined || supersededToResume(record) !== undefined)
    return queueInstead(
      { call, policy, why: "an earlier rotation still owes a revoke, which comes first" },
      deps,
    );
  const functionArn = bridgeArn(call, deps);
  await deps.ledger.changeSecret(secretArn, (now) =>
    now.nativeFunction === functionArn ? now : { ...now, nativeFunction: functionArn },
  );
  const { executionArn } = await deps.executions.start({
    machine: "rotation",
    name: nativeRunOf(token),
    // Secrets Manager does not say who pressed the button: CloudTrail has it, minutes later.
    input: { secretArn, trigger: "native: Secrets Manager, caller unknown" },
  });
  return executionArn;
}

/** An approval takes a person; the rest is asked as before every promotion, and says when it ends. */
async function whyNotInMinutes(
  { policy, record }: { readonly policy: Policy; readonly record: SecretRecord },
  deps: Deps,
): Promise<string | undefined> {
  if (policy.approve !== undefined) return "another person has to approve it";
  const { blockers } = await askPromotion({ policy, record, nowMs: deps.clock.nowMs() }, deps);
  return blockers.length === 0 ? undefined : blockers.join("; ");
}

/** No rotation may begin now, so the sweep starts one as soon as nothing is in its way. */
async function queueForLater(
  { call, policy, why }: Starting & { readonly why: string },
  deps: Deps,
): Promise<never> {
  const { secretArn, token } = call;
  const queued = { token, atMs: deps.clock.nowMs() };
  await deps.ledger.changeSecret(secretArn, (now) => ({ ...now, queued }));
  await deps.store.clearPending({ secretArn, versionId: token });
  throw new NeedsHuman(
    `${policy.name}: ${why}. An ordinary rotation is queued for a day: it begins within 15 minutes once nothing is in its way`,
  );
}

/** The version is freed, so that neither Secrets Manager nor the ordinary rotation finds it in its way. */
async function queueInstead(
  { call, policy, why }: Starting & { readonly why: string },
  deps: Deps,
): Promise<never> {
  const { secretArn, token } = call;
  await deps.store.clearPending({ secretArn, versionId: token });
  const name = executionName(policy.name, { once: token });
  await deps.executions.start({
    machine: "rotation",
    name,
    input: { secretArn, trigger: "native: queued, caller unknown" },
  });
  throw new NeedsHuman(
    `${policy.name}: ${why}, and Secrets Manager waits for minutes only. An ordinary rotation was started instead: rekey watch ${name}`,
  );
}

interface Stage extends Starting {
  readonly ticket: Ticket;
}

async function stage({ call, policy, ticket }: Stage, deps: Deps): Promise<"staged"> {
  const { secretArn } = call;
  const { run } = await deps.ledger.secret(secretArn);
  if (run?.phase === "opened" && run.attempt > 0 && (await hasValue(call, deps))) {
    const why = `an earlier attempt put a key into version ${call.token}, which holds one value`;
    await endRun({ call, error: "NeedsHuman", why }, deps);
    throw new NeedsHuman(`${why}; ${cleanUp(call)}`);
  }
  const input = { ...ticket, at: deps.clock.nowMs() };
  const incoming = await mintAndStage({ input, policy }, deps).catch(async (error: unknown) => {
    if (!(error instanceof RotationError) || error.retry !== "never") throw error;
    await endRun({ call, error: error.name, why: error.message }, deps);
    throw new NeedsHuman(`${error.name}: ${error.message}; ${cleanUp(call)}`);
  });
  const record = await deps.ledger.changeSecret(secretArn, bump);
  if (record.wait?.decision === "supply") {
    const { token } = record.wait;
    await deps.executions.succeed(token, { outcome: "staged", ...incoming });
    await deps.ledger.changeSecret(secretArn, (now) => (now.wait?.token === token ? endWait(now) : now));
  }
  return "staged";
}

/** The machine would wait for a key that cannot come, and hold the secret. It settles: an earlier attempt's key is deleted. */
async function endRun(
  { call, error, why }: { readonly call: NativeCall; readonly error: string; readonly why: string },
  deps: Deps,
): Promise<void> {
  const { wait } = await deps.ledger.secret(call.secretArn);
  if (wait?.decision !== "supply" || wait.rotationId !== nativeRunOf(call.token)) return;
  await deps.executions.fail(wait.token, { error, cause: why });
}

async function hasValue({ secretArn, token }: NativeCall, deps: Deps): Promise<boolean> {
  const { pending } = await deps.store.versionsInUse(secretArn);
  return pending?.versionId === token && pending.byRekey;
}
