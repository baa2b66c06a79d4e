import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from "@aws-sdk/client-eventbridge";
import { refusalFor, refusalOf } from "../../audit/refusals.ts";
import { failureIn, failureNamed } from "../../aws/failure.ts";
import type { EventBus } from "../../core/ports.ts";

type Client = Pick<EventBridgeClient, "send">;

/** Rekey's own bus. */
export function eventBridgeBus(client: Client, busName: string): EventBus {
  return {
    async publish({ type, secretArn, detail }) {
      const entry = {
        Source: "rekey",
        DetailType: type,
        Detail: JSON.stringify({ ...detail, ...(secretArn !== undefined && { secretArn }) }),
        ...(secretArn !== undefined && { Resources: [secretArn] }),
      };
      await putEntries(client, busName, [entry]);
    },
  };
}

/** PutEvents answers 200 even if it dropped entries, so the count of failures decides. */
export async function putEntries(
  client: Client,
  busName: string,
  entries: readonly PutEventsRequestEntry[],
): Promise<void> {
  const attempt = { place: `the event bus ${busName}`, operation: "events:PutEvents" };
  const command = new PutEventsCommand({
    Entries: entries.map((entry) => ({ EventBusName: busName, ...entry })),
  });
  const answer = await client.send(command).catch((error: unknown) => {
    throw refusalOf(error, attempt);
  });
  if ((answer.FailedEntryCount ?? 0) === 0) return;
  const failures = (answer.Entries ?? []).flatMap(({ ErrorCode }) =>
    ErrorCode === undefined ? [] : [failureNamed(ErrorCode)],
  );
  const mayPass = failures.find(({ kind }) => kind !== "refused");
  throw refusalFor(mayPass ?? failures[0] ?? failureIn(undefined), attempt);
}
