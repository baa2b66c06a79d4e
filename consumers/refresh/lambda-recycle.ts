import {
  GetFunctionConfigurationCommand,
  type GetFunctionConfigurationCommandOutput,
  type LambdaClient,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { functionOf } from "../lambda.ts";
import type { RefreshAnswer, Refresher, RefreshOrder } from "../ports.ts";
import type { Reach } from "../reach.ts";
import { isNamed } from "../said.ts";
import { placeOf } from "./once.ts";

const triesMax = 4;
const pauseMs = 1_500;
const descriptionCharsMax = 256;
const markForm = / ?\[rekey [\w-]+\]$/;

/**
 * Writes a mark into the function's description, which gives it new environments. The environment variables
 * are not used for this: they can only be replaced as a whole, and hold other secrets.
 */
export function lambdaRecycle({ lambda: clients, pause }: Pick<Reach, "lambda" | "pause">): Refresher {
  return {
    async refresh(order): Promise<RefreshAnswer> {
      const { name, arn, qualifier } = functionOf(order.consumer.refresh.target ?? "");
      if (qualifier !== undefined) {
        const detail = `${qualifier} is published and cannot be changed: publish a new version and move the alias`;
        return { outcome: "failed", detail };
      }
      const client = clients(arn);
      for (let tries = 0; tries < triesMax; tries++) {
        if (tries > 0) await pause(pauseMs);
        const answer = await recycle({ order, name, arn, client });
        if (answer !== "busy") return answer;
      }
      return { outcome: "failed", detail: `somebody else was changing ${name}, ${triesMax} times in a row` };
    },
  };
}

interface Recycling {
  readonly order: RefreshOrder;
  readonly name: string;
  readonly arn: string;
  readonly client: Pick<LambdaClient, "send">;
}

/** Reads the configuration, then writes it only if nobody changed it in between. */
async function recycle({ order, name, arn, client }: Recycling): Promise<RefreshAnswer | "busy"> {
  const now = await client.send(new GetFunctionConfigurationCommand({ FunctionName: arn }));
  const mark = `[rekey ${order.versionId}]`;
  if (now.Description?.endsWith(mark))
    return { outcome: "nothingToDo", detail: `${name} has this version's mark` };
  await rememberBefore(order, now);
  try {
    await client.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName: arn,
        Description: marked(now.Description ?? "", mark),
        RevisionId: now.RevisionId,
      }),
    );
    return { outcome: "started", detail: `marked ${name}` };
  } catch (error) {
    if (isNamed(error, "ResourceConflictException", "PreconditionFailedException")) return "busy";
    throw error;
  }
}

/** Saved before the first change, for the source to compare with. So the change counts even if its reply was lost. */
async function rememberBefore(
  order: RefreshOrder,
  { LastModified = "" }: GetFunctionConfigurationCommandOutput,
): Promise<void> {
  const place = placeOf(order);
  if ((await order.memory.recall(place)) !== undefined) return;
  await order.memory.remember(place, { before: [`modified ${LastModified}`], firstSeenAtMs: order.nowMs });
}

function marked(description: string, mark: string): string {
  const kept = description.replace(markForm, "").slice(0, descriptionCharsMax - mark.length - 1);
  return kept === "" ? mark : `${kept} ${mark}`;
}
