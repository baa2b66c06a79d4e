import * as z from "zod";
import type { ConsumerPolicy } from "../../core/policy.ts";
import { promotedRun } from "../../core/rotation/secret-record.ts";
import { policyAtGate } from "../secret/run-record.ts";
import { wakeIfDecided } from "../secret/wake-run.ts";
import { adminCommand, type RefusedAnswer, refused } from "./command.ts";
import { secretText } from "./inputs.ts";
import { whichSecret } from "./which-secret.ts";

/**
 * An authenticated person states that a consumer uses the incoming key. It counts only if the policy asks for
 * attestation.
 */
export const attest = adminCommand({
  input: z.strictObject({
    command: z.literal("attest"),
    secret: secretText,
    consumer: z.string().min(1).max(64),
    environment: z.string().min(1).max(64).optional(),
  }),
  run: async ({ input, caller }, deps) => {
    const found = await whichSecret(input.secret, deps);
    if ("refusal" in found) return found.refusal;
    const { secretArn, name } = found.policy;
    const record = await deps.ledger.secret(secretArn);
    const run = promotedRun(record.run);
    if (run === undefined) return nothingToAttest(name);

    const { rotationId } = run;
    const policy = await policyAtGate({ secretArn, rotationId, fence: record.fence }, deps);
    const consumers = policy.consumers === "none" ? [] : policy.consumers;
    const named = consumers.filter(
      (one) =>
        one.name === input.consumer &&
        (input.environment === undefined || one.environment === input.environment),
    );
    const [consumer] = named;
    if (consumer === undefined || named.length > 1 || !consumer.evidence.includes("attestation")) {
      return whyNotAttested({ consumers, named, asked: input.consumer });
    }
    const { principal, atMs, requestId } = caller;
    const { versionId } = run.incoming;
    const { environment, account } = consumer;
    await deps.ledger.putEvidence(secretArn, {
      ...{ kind: "attestation", consumer: consumer.name, environment, account },
      ...{ observedAtMs: atMs, principal, versionId },
    });
    await deps.audit.append(secretArn, {
      id: `${requestId}/attest`,
      atMs,
      actor: principal,
      action: "AdoptionAttested",
      detail: { consumer: consumer.name, environment, versionId, rotationId },
    });
    const answer = { outcome: "attested", secretArn, name, consumer: consumer.name, versionId };
    return { ...answer, run: await wakeIfDecided({ secretArn, nowMs: atMs }, deps) };
  },
});

function nothingToAttest(name: string): RefusedAnswer {
  return refused({
    reason: "NothingToAttest",
    detail: `no rotation of ${name} waits for its consumers`,
    hint: `see where it stands with \`rekey status ${name}\``,
  });
}

function whyNotAttested(question: {
  readonly consumers: readonly ConsumerPolicy[];
  readonly named: readonly ConsumerPolicy[];
  readonly asked: string;
}): RefusedAnswer {
  const { consumers, named, asked } = question;
  const [first] = named;
  if (first === undefined) {
    const known = consumers.map(({ name }) => name).join(", ");
    const detail = `the policy declares no consumer ${JSON.stringify(asked)}`;
    return refused({ reason: "UnknownConsumer", detail, hint: `it has ${known || "none"}` });
  }
  if (named.length > 1) {
    const detail = `${asked} runs in ${named.map(({ environment }) => environment).join(" and ")}`;
    return refused({ reason: "AmbiguousConsumer", detail, hint: "say which with --environment" });
  }
  return refused({
    reason: "AttestationNotAccepted",
    detail: `the policy asks for ${first.evidence.join(" and ")} evidence of ${asked}, not for an attestation`,
    hint: "add `attestation` to its evidence in rekey.yml for the next rotation",
  });
}
