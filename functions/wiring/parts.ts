import { randomUUID } from "node:crypto";
import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { certificates } from "../../audit/certificates.ts";
import { auditLog } from "../../audit/chain.ts";
import { kmsSigner } from "../../audit/kms-signer.ts";
import { s3Anchor } from "../../audit/s3-anchor.ts";
import { awsBounds } from "../../aws/bounds.ts";
import { awsReach } from "../../consumers/queues.ts";
import { awsPlatforms, type Elsewhere, hostsIn } from "../../consumers/reach.ts";
import { refreshers } from "../../consumers/refreshers.ts";
import { evidenceSources } from "../../consumers/sources.ts";
import { dynamoTable } from "../../ledger/dynamodb.ts";
import { boundedHttp } from "../../providers/http.ts";
import { keyIn } from "../../stores/value.ts";
import { peopleEscalator } from "../adapters/people/people.ts";
import { ledgerShelf, s3Shelf } from "../adapters/report-shelf.ts";
import { cloudTrailScoper } from "../adapters/scope/scope.ts";
import type { Base, Part } from "./base.ts";
import { auditSettings, incidentSettings, settings } from "./settings.ts";

/** Platforms that are asked whether they replaced every instance. */
export const sourcesPart: Part = (base) => ({
  sources: evidenceSources({ reach: awsPlatforms(elsewhere(base)), allowed: settings().refreshAllowed }),
});

/** What makes consumers pick up the incoming key. */
export const refreshersPart: Part = (base) => ({
  refreshers: refreshers({ reach: awsReach(elsewhere(base)), allowed: settings().refreshAllowed }),
});

/** Access to workloads outside AWS, limited to hosts that the deployment lists. */
export function elsewhere({ store, clock }: Base): Elsewhere {
  const { refreshAllowed, allowLoopbackProviders: allowLoopback } = settings();
  return {
    http: boundedHttp({ allowHosts: hostsIn(refreshAllowed), allowLoopback }),
    read: async (secretArn) => keyIn((await store.current(secretArn)).text),
    newNonce: randomUUID,
    pause: clock.pause,
  };
}

/** Every channel that reaches people. */
export const peoplePart: Part = (base) => ({ escalator: peopleEscalator(base, incidentSettings()) });

/** Who read what, and what a key did. */
export const scopePart: Part = (base) => ({
  scoper: cloudTrailScoper(new CloudTrailClient(awsBounds), base),
});

/** The bucket of reports; without one, the ledger. */
export const reportsPart: Part = (base) => {
  const { auditBucket } = incidentSettings();
  if (!auditBucket) return { reports: ledgerShelf(base) };
  return { reports: s3Shelf(new S3Client({ ...awsBounds, forcePathStyle: true }), { bucket: auditBucket }) };
};

/** The audit chains to read, the key to sign with, and the locked bucket. */
export const certificatesPart: Part = ({ clock, digest }) => {
  const { bucket, keyId, mode, retainMs } = auditSettings();
  const now = clock.nowMs;
  const table = dynamoTable(new DynamoDBClient(awsBounds), settings().table);
  const filing = certificates({
    signer: kmsSigner(new KMSClient(awsBounds), { keyId }),
    shelf: s3Anchor(new S3Client({ ...awsBounds, forcePathStyle: true }), { bucket, mode, retainMs, now }),
  });
  return { certificates: { ...filing, log: auditLog({ table, digest, now }) } };
};
