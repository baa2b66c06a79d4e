import assert from "node:assert/strict";
import { type Event, LookupEventsCommand, type LookupEventsCommandInput } from "@aws-sdk/client-cloudtrail";
import { GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import type { Clients, ConformanceCase } from "../case.ts";
import { refused } from "../refused.ts";
import { fake, newVault } from "../vault.ts";

/** AWS itself needs up to a quarter of an hour to show an event. */
const lagMaxMs = 15 * 60_000;

const lookup = async ({ cloudTrail }: Clients, input: LookupEventsCommandInput): Promise<readonly Event[]> =>
  (await cloudTrail.send(new LookupEventsCommand(input))).Events ?? [];

/** For asking again and again: AWS allows two lookups a second. */
async function lookupPatiently(clients: Clients, input: LookupEventsCommandInput): Promise<readonly Event[]> {
  try {
    return await lookup(clients, input);
  } catch (error) {
    if (error instanceof Error && error.name === "ThrottlingException") return [];
    throw error;
  }
}

const byName = (eventName: string): LookupEventsCommandInput => ({
  LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: eventName }],
});

const recordOf = ({ CloudTrailEvent = "{}" }: Event) => JSON.parse(CloudTrailEvent);

export const cloudTrailCases: readonly ConformanceCase[] = [
  {
    service: "cloudTrail",
    name: "a GetSecretValue record repeats the request as passed and never says which version was read",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      await clients.secretsManager.send(new GetSecretValueCommand({ SecretId: vault.name }));
      const record = await scratch.eventually(async () => {
        const records = (await lookupPatiently(clients, byName("GetSecretValue"))).map(recordOf);
        return records.find(({ requestParameters }) => requestParameters?.secretId === vault.name);
      }, lagMaxMs);
      assert.deepEqual(record.requestParameters, { secretId: vault.name });
      assert.equal(record.responseElements, null);
      assert.equal(record.readOnly, true);
      assert.equal(record.eventSource, "secretsmanager.amazonaws.com");
      assert.ok(record.userIdentity.arn);
    },
  },
  {
    service: "cloudTrail",
    name: "the KMS Decrypt record beside a read names the version that was read",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const [versionId] = await vault.versionIds();
      await vault.read();
      const record = await scratch.eventually(async () => {
        const records = (await lookupPatiently(clients, byName("Decrypt"))).map(recordOf);
        return records.find(
          ({ requestParameters }) => requestParameters?.encryptionContext?.SecretARN === vault.arn,
        );
      }, lagMaxMs);
      assert.equal(record.requestParameters.encryptionContext.SecretVersionId, versionId);
      assert.equal(record.userIdentity.invokedBy ?? record.sourceIPAddress, "secretsmanager.amazonaws.com");
    },
  },
  {
    service: "cloudTrail",
    name: "no record holds a value",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch);
      const value = fake(scratch.unique("value"));
      const versionId = await vault.put(value);
      const event = await scratch.eventually(async () => {
        const events = await lookupPatiently(clients, byName("PutSecretValue"));
        return events.find((each) => each.CloudTrailEvent?.includes(versionId));
      }, lagMaxMs);
      assert.ok(!event.CloudTrailEvent?.includes(value));
    },
  },
  {
    service: "cloudTrail",
    name: "events come newest first, within the times asked for, and page by page",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const reads = 3;
      for (let read = 0; read < reads; read += 1) await vault.read();
      const mine = ({ CloudTrailEvent = "" }: Event) => CloudTrailEvent.includes(vault.arn);
      await scratch.eventually(async () => {
        const found = (await lookupPatiently(clients, byName("GetSecretValue"))).filter(mine);
        return found.length === reads || undefined;
      }, lagMaxMs);
      const first = await clients.cloudTrail.send(
        new LookupEventsCommand({ ...byName("GetSecretValue"), MaxResults: 1 }),
      );
      const next = { ...byName("GetSecretValue"), MaxResults: 1, NextToken: first.NextToken };
      const second = await clients.cloudTrail.send(new LookupEventsCommand(next));
      const [newer, older] = [first, second].map(({ Events = [] }) => Events[0]);
      assert.notEqual(newer?.EventId, older?.EventId);
      assert.ok((newer?.EventTime ?? 0) >= (older?.EventTime ?? 0));
      const longAgo = {
        StartTime: new Date(Date.now() - 7_200_000),
        EndTime: new Date(Date.now() - 3_600_000),
      };
      assert.deepEqual((await lookup(clients, { ...byName("GetSecretValue"), ...longAgo })).filter(mine), []);
    },
  },
  {
    service: "cloudTrail",
    name: "more than one lookup attribute, or more than 50 results, is refused",
    async run(clients) {
      const attribute = { AttributeKey: "EventName", AttributeValue: "GetSecretValue" } as const;
      const two = lookup(clients, { LookupAttributes: [attribute, attribute] });
      await refused(two, "InvalidLookupAttributesException", "ValidationException");
      await refused(lookup(clients, { MaxResults: 51 }), "InvalidMaxResultsException", "ValidationException");
    },
  },
];
