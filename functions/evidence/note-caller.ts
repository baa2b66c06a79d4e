import * as z from "zod";
import { executionName } from "../../core/rotation/execution-name.ts";
import { nativeRunOf } from "../../core/rotation/native.ts";
import type { Deps } from "../deps.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { policyNamed } from "./policy-named.ts";

const principal = z.string().regex(/^arn:aws[a-z-]*:(?:iam|sts)::\d{12}:[\w+=,.@/:-]{1,600}$/);
const reference = z.string().max(2048);

/** CloudTrail's record of `rotate-secret` or of the console's button. It comes minutes after the rotation began. */
const RotateCall = z.object({
  account: z.string().regex(/^\d{12}$/),
  time: stampedAt,
  detail: z.object({
    eventSource: z.literal("secretsmanager.amazonaws.com"),
    eventName: z.literal("RotateSecret"),
    /** Set if the call was refused: then nothing was rotated. */
    errorCode: z.string().optional(),
    userIdentity: z.object({ arn: principal.optional() }),
    requestParameters: z.object({
      secretId: reference,
      clientRequestToken: z.string().regex(/^[\w-]{32,64}$/),
    }),
    /** People may name a secret without its ARN; the answer has it. */
    responseElements: z.object({ aRN: reference.optional(), arn: reference.optional() }).nullish(),
  }),
});

const unknownCaller = "caller unknown";

/** Notes who pressed the button of Secrets Manager, in the run, its history and its log. Whoever asked may not approve. */
export const noteCaller = step({
  name: "note-caller",
  input: RotateCall,
  run: async ({ account, time, detail }, deps: Deps) => {
    const { userIdentity, errorCode, requestParameters, responseElements } = detail;
    const { secretId, clientRequestToken: token } = requestParameters;
    const { arn: by } = userIdentity;
    if (by === undefined || errorCode !== undefined) return { outcome: "nobody" as const };
    const policy = await policyNamed(responseElements?.aRN ?? responseElements?.arn ?? secretId, deps);
    if (policy === undefined) return { outcome: "unknownSecret" as const };
    const { secretArn, name } = policy;
    // A record of another account says nothing of this account's secret.
    if (secretArn.split(":")[4] !== account) return { outcome: "unknownSecret" as const };
    // The run of the button, and the ordinary one that takes its place where the button has to wait.
    const runs = [nativeRunOf(token), executionName(name, { once: token })];
    await untilOpen({ secretArn, runs }, deps);
    for (const rotationId of runs) {
      await deps.ledger.putAsker(rotationId, by);
      await nameCaller({ secretArn, rotationId, by }, deps);
    }
    await deps.audit.append(secretArn, {
      id: `${nativeRunOf(token)}/caller`,
      ...{ atMs: time, actor: by, action: "NativeRotationAsked" },
      detail: { rotationId: nativeRunOf(token) },
    });
    return { outcome: "noted" as const };
  },
});

export const handler = onLambda(noteCaller, wiring());

const looksMax = 10;
const lookEveryMs = 2_000;

/** A record can be faster than the opening of its run. One that waits for something else opens much later, or never. */
async function untilOpen(
  { secretArn, runs }: { readonly secretArn: string; readonly runs: readonly string[] },
  { ledger, clock }: Pick<Deps, "ledger" | "clock">,
): Promise<void> {
  for (let looks = 0; looks < looksMax; looks += 1) {
    const known = await Promise.all(runs.map((rotationId) => ledger.rotation(secretArn, rotationId)));
    if (known.some((run) => run !== undefined)) return;
    await clock.pause(lookEveryMs);
  }
}

interface Named {
  readonly secretArn: string;
  readonly rotationId: string;
  readonly by: string;
}

const triggerMax = 200;

async function nameCaller({ secretArn, rotationId, by }: Named, { ledger }: Pick<Deps, "ledger">) {
  const known = await ledger.rotation(secretArn, rotationId);
  if (known === undefined || !known.trigger.endsWith(unknownCaller)) return;
  const trigger = known.trigger.replace(unknownCaller, `called by ${by}`).slice(0, triggerMax);
  await ledger.changeRotation({ secretArn, rotationId }, (run) => ({ ...(run ?? known), trigger }));
}
