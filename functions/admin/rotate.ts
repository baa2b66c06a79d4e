import * as z from "zod";
import { isRotated, type Policy } from "../../core/policy.ts";
import { executionName } from "../../core/rotation/execution-name.ts";
import { type TakenReason, whyNoRunOpens } from "../../core/rotation/open.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import { keyToFinish } from "../../core/rotation/superseded.ts";
import { isoText } from "../../core/utc.ts";
import type { AdminDeps } from "../deps.ts";
import { stopFor } from "../secret/stop-order.ts";
import { adminCommand, type RefusedAnswer, refused } from "./command.ts";
import { reasonText, secretText } from "./inputs.ts";
import { whichSecret } from "./which-secret.ts";

/**
 * Starts a rotation now. The machine repeats all of these checks: here they only give the person an early
 * answer.
 */
export const rotate = adminCommand({
  input: z.strictObject({
    command: z.literal("rotate"),
    secret: secretText,
    reason: reasonText.default("no reason given"),
    /** If the request is repeated after a lost reply, the same name starts nothing twice. */
    name: z
      .string()
      .regex(/^(?!native-)[\w-]{1,80}$/)
      .optional(),
  }),
  run: async ({ input, caller }, deps) => {
    const found = await whichSecret(input.secret, deps);
    if ("refusal" in found) return found.refusal;
    const { policy } = found;
    const { secretArn } = policy;
    const rotationId = input.name ?? executionName(policy.name, { once: deps.newId() });
    const record = await deps.ledger.secret(secretArn);
    const isRepeat = record.lease?.runId === rotationId;
    const refusal = isRepeat ? undefined : await whyNotNow({ policy, record }, deps);
    if (refusal) return refusal;

    const { principal, atMs, requestId } = caller;
    // Before the start: whoever approves a step must be somebody else.
    await deps.ledger.putAsker(rotationId, principal);
    const started = await deps.executions.start({
      machine: "rotation",
      name: rotationId,
      input: {
        secretArn,
        trigger: `manual: ${input.reason}`,
        requestedBy: principal,
        requestedAt: isoText(atMs),
      },
    });
    await deps.audit.append(secretArn, {
      id: `${requestId}/rotate`,
      atMs,
      actor: principal,
      action: "RotationRequested",
      detail: { rotationId, reason: input.reason },
    });
    const finishes = isRepeat ? undefined : keyToFinish(record);
    return { ...started, secretArn, name: policy.name, rotationId, ...(finishes && { finishes }) };
  },
});

interface Question {
  readonly policy: Policy;
  readonly record: SecretRecord;
}

async function whyNotNow({ policy, record }: Question, deps: AdminDeps): Promise<RefusedAnswer | undefined> {
  const { name } = policy;
  if (!isRotated(policy)) {
    const detail = `${name} is only watched (mode: ${policy.mode}), never rotated`;
    return refused({ reason: "OnlyWatched", detail });
  }
  const refusal = whyNoRunOpens(record) ?? (await stopFor(policy, deps));
  if (refusal === undefined) return undefined;
  const { reason, detail } = refusal;
  return refused({ reason, detail: `${name}: ${detail}`, hint: hintFor({ policy, record, reason }) });
}

function hintFor({
  policy,
  record,
  reason,
}: Question & { readonly reason: TakenReason | "Stopped" }): string {
  switch (reason) {
    case "Busy":
      return `follow it with \`rekey watch ${record.lease?.runId}\``;
    case "Held":
      return `lift it with \`rekey release ${policy.name}\``;
    case "Frozen":
      return "find out who changed the current version, correct it, then `rekey release --unfreeze`";
    case "Stopped":
      return "lift it with `rekey resume`";
  }
}
