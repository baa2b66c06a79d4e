import * as z from "zod";
import type { Deps } from "../deps.ts";
import { onLambda, secretArnText, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { createSecret } from "./create-secret.ts";
import { finishSecret } from "./finish-secret.ts";
import { isOver, type NativeCall } from "./native-call.ts";
import { setSecret, testSecret } from "./wait-for-run.ts";

const steps = { createSecret, setSecret, testSecret, finishSecret } as const;
type StepName = keyof typeof steps;

/** One page of AWS's documentation prints the names as create_secret and so on. */
const stepName = z
  .string()
  .transform((name) => name.replace(/_s/, "S"))
  .pipe(z.enum(Object.keys(steps) as [StepName, ...StepName[]]));

/**
 * The rotation function that Secrets Manager calls in four steps. It starts the rotation machine and waits for it; all
 * that it changes itself is to put the incoming key into the version that Secrets Manager made for it.
 */
export const nativeBridge = step({
  name: "native-bridge",
  input: z.object({
    Step: stepName,
    SecretId: secretArnText,
    ClientRequestToken: z.string().regex(/^[\w-]{32,64}$/),
  }),
  run: async ({ Step, SecretId: secretArn, ClientRequestToken: token }, deps: Deps) => {
    const call: NativeCall = { secretArn, token };
    if (await isOver(call, deps)) return { outcome: "doneBefore" };
    return { outcome: await steps[Step](call, deps) };
  },
});

export const handler = onLambda(nativeBridge, wiring());
