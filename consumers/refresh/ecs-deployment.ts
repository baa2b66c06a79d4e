import { type Service, UpdateServiceCommand } from "@aws-sdk/client-ecs";
import { NeedsHuman } from "../../core/errors.ts";
import { describeService, isByTaskSets, primaryId, serviceOf, startedIds } from "../ecs.ts";
import type { RefreshAnswer, Refresher, RefreshNote, RefreshOrder } from "../ports.ts";
import type { Reach } from "../reach.ts";
import { placeOf } from "./once.ts";

/** A new deployment of an unchanged service: its tasks read the current version as they start. */
export function ecsDeployment({ ecs: clients }: Pick<Reach, "ecs">): Refresher {
  return {
    async refresh(order): Promise<RefreshAnswer> {
      const arn = order.consumer.refresh.target ?? "";
      const stored = await order.memory.recall(placeOf(order));
      if (stored?.started !== undefined) {
        return { outcome: "nothingToDo", detail: `deployment ${stored.started} is this version's` };
      }
      const service = await describeService(arn, clients);
      const note = stored ?? { before: startedIds(service), firstSeenAtMs: order.nowMs };
      const since = startedSince(service, note);
      if (since !== undefined) {
        await order.memory.remember(placeOf(order), { ...note, started: since });
        return { outcome: "started", detail: `deployment ${since} began after the promotion` };
      }
      // Saved before the call: after a crash the next try can then tell the new deployment from those of before.
      if (stored === undefined) await order.memory.remember(placeOf(order), note);
      if (isByTaskSets(service)) throw new NeedsHuman(notByEcs);
      return deploy({ order, arn, note }, clients);
    },
  };
}

const notByEcs = "ECS starts no deployment of a service that CodeDeploy controls: start one there";

/** It may come from an earlier try whose reply was lost, or from somebody else: either replaces every task. */
function startedSince(service: Service, { before }: RefreshNote): string | undefined {
  const id = primaryId(service);
  return id === undefined || before.includes(id) ? undefined : id;
}

async function deploy(
  work: { readonly order: RefreshOrder; readonly arn: string; readonly note: RefreshNote },
  clients: Reach["ecs"],
): Promise<RefreshAnswer> {
  const { order, arn, note } = work;
  const { cluster, service } = serviceOf(arn);
  const answer = await clients(arn).send(
    new UpdateServiceCommand({ cluster, service, forceNewDeployment: true }),
  );
  const started = answer.service && startedSince(answer.service, note);
  if (started === undefined) throw new NeedsHuman("ECS took the update and started no deployment");
  await order.memory.remember(placeOf(order), { ...note, started });
  return { outcome: "started", detail: `started deployment ${started}` };
}
