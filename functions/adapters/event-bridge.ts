import { type EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { StoreUnavailable } from "../../core/errors.ts";
import type { EventBus } from "../../core/ports.ts";

/** Rekey's own bus. PutEvents answers 200 for entries that it dropped, so the count decides. */
export function eventBridgeBus(client: Pick<EventBridgeClient, "send">, busName: string): EventBus {
  return {
    async publish({ type, secretArn, detail }) {
      const entry = {
        EventBusName: busName,
        Source: "rekey",
        DetailType: type,
        Detail: JSON.stringify({ ...detail, ...(secretArn !== undefined && { secretArn }) }),
        ...(secretArn !== undefined && { Resources: [secretArn] }),
      };
      const answer = await client.send(new PutEventsCommand({ Entries: [entry] })).catch((error: unknown) => {
        throw new StoreUnavailable(`the event bus did not take ${type}`, { cause: error });
      });
      if ((answer.FailedEntryCount ?? 0) === 0) return;
      throw new StoreUnavailable(
        `the event bus refused ${type}: ${answer.Entries?.[0]?.ErrorCode ?? "no code"}`,
      );
    },
  };
}
