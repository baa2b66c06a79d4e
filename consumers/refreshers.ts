import { LedgerContended, StoreUnavailable } from "../core/errors.ts";
import type { RefreshAnswer, Refresher, Refreshers, RefreshOrder } from "./ports.ts";
import type { Reach } from "./reach.ts";
import { announce } from "./refresh/announce.ts";
import { ecsDeployment } from "./refresh/ecs-deployment.ts";
import { kubernetesRestart } from "./refresh/kubernetes-restart.ts";
import { kubernetesSync } from "./refresh/kubernetes-sync.ts";
import { lambdaRecycle } from "./refresh/lambda-recycle.ts";
import { manual } from "./refresh/manual.ts";
import { sqs } from "./refresh/sqs.ts";
import { webhook } from "./refresh/webhook.ts";
import { saidOf } from "./said.ts";

export interface RefreshOptions {
  /** The exact targets that the deployment lists, or `tagged` for AWS's own. Any other target that a policy names is off. */
  readonly allowed: readonly string[];
  /** Without it nothing outside is called, whatever is listed. */
  readonly reach?: Reach;
}

/** Every refresh action, one line each. */
export function refreshers(options: RefreshOptions): Refreshers {
  const { allowed } = options;
  return {
    announce,
    manual: reporting(() => manual),
    "ecs-deployment": onlyIfListed(ecsDeployment, options),
    "lambda-recycle": onlyIfListed(lambdaRecycle, options),
    "kubernetes-restart": onlyIfListed((reach) => kubernetesRestart({ ...reach, allowed }), options),
    "kubernetes-sync": onlyIfListed((reach) => kubernetesSync({ ...reach, allowed }), options),
    webhook: onlyIfListed(webhook, options),
    sqs: onlyIfListed(sqs, options),
  };
}

function onlyIfListed(make: (reach: Reach) => Refresher, { allowed, reach }: RefreshOptions): Refresher {
  const refresher = reach && reporting(() => make(reach));
  return {
    async refresh(order) {
      const { target } = order.consumer.refresh;
      if (target === undefined)
        return { outcome: "failed", detail: "its policy does not say what to refresh" };
      if (refresher === undefined || !isAllowed(target, allowed)) {
        return { outcome: "off", detail: `${target} is not in the deployment's refreshAllowed` };
      }
      return refresher.refresh(order);
    },
  };
}

/** With `tagged` in the list, AWS says by the workload's tags whether the function may touch it. */
function isAllowed(target: string, allowed: readonly string[]): boolean {
  return allowed.includes(target) || (target.startsWith("arn:") && allowed.includes("tagged"));
}

/**
 * A refresh that fails is reported, and the gate waits for the consumer as before. Only errors of our own
 * ledger are retried.
 */
function reporting(make: () => Refresher): Refresher {
  return {
    async refresh(order: RefreshOrder): Promise<RefreshAnswer> {
      try {
        return await make().refresh(order);
      } catch (error) {
        if (error instanceof StoreUnavailable || error instanceof LedgerContended) throw error;
        return { outcome: "failed", detail: saidOf(error) };
      }
    },
  };
}
