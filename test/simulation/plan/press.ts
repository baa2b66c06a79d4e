import { bridgeArn } from "../../../functions/native/native-call.ts";
import type { WatchedSecret } from "../rules/witness.ts";
import type { Simulated } from "../run/simulated.ts";

const steps = ["createSecret", "setSecret", "testSecret", "finishSecret"] as const;
/** Secrets Manager repeats a failed step, with the same token, for a while. */
const triesMax = 12;
const againAfterMs = 5_000;
/** It takes a function that is silent for so long for dead; what that one had begun may go on all the same. */
const silentMaxMs = 60_000;

/** Secrets Manager's own rotation: it reserves a version and calls its rotation function in four steps. */
export async function press({ world, watch }: Simulated, { secretArn }: WatchedSecret): Promise<void> {
  const token = world.nextVersionId();
  const functionArn = bridgeArn({ secretArn }, { environment: "production" });
  if (!(await world.store.native.press({ secretArn, token, functionArn }))) return;
  const isPending = async () => (await world.store.versionsInUse(secretArn)).pending?.versionId === token;
  const repeated = async (Step: (typeof steps)[number]): Promise<boolean> => {
    for (let tries = 1; tries <= triesMax && watch.violations.length === 0; tries += 1) {
      // It may not know yet that somebody took the version away, and calls once more.
      const wasPending = await isPending();
      watch.tell(`${Step} ${token}`);
      if (await succeeds({ Step, SecretId: secretArn, ClientRequestToken: token }, world)) return true;
      if (!wasPending) return false;
      await new Promise((resolve) => setTimeout(resolve, againAfterMs));
    }
    return false;
  };
  // A step that fails ends the rotation: no later step is called.
  for (const Step of steps) if (!(await repeated(Step))) break;
  // Nobody leaves it there: it would be in the way of the next rotation.
  if (await isPending()) await world.store.native.free(secretArn, token);
}

async function succeeds(call: object, world: Simulated["world"]): Promise<boolean> {
  const silent = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), silentMaxMs));
  const answered = world.invoke("native-bridge", call).then(
    () => true,
    () => false,
  );
  return Promise.race([answered, silent]);
}
