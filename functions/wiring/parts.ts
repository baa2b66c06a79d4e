import { randomUUID } from "node:crypto";
import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { certificates as filing } from "../../audit/certificates.ts";
import { auditLog } from "../../audit/chain.ts";
import { kmsSigner } from "../../audit/kms-signer.ts";
import { s3Anchor } from "../../audit/s3-anchor.ts";
import { awsBounds } from "../../aws/bounds.ts";
import { awsReach } from "../../consumers/queues.ts";
import { awsPlatforms, type Elsewhere, hostsIn } from "../../consumers/reach.ts";
import { refreshers as everyRefresher } from "../../consumers/refreshers.ts";
import { evidenceSources } from "../../consumers/sources.ts";
import { dynamoTable } from "../../ledger/dynamodb.ts";
import { boundedHttp } from "../../providers/http.ts";
import { keyIn } from "../../stores/value.ts";
import { peopleEscalator } from "../adapters/people/people.ts";
import { ledgerShelf, s3Shelf } from "../adapters/report-shelf.ts";
import { cloudTrailScoper } from "../adapters/scope/scope.ts";
import type { Deps } from "../deps.ts";
import type { Part } from "./base.ts";
import { auditSettings, incidentSettings, settings } from "./settings.ts";

/** Platforms that are asked whether they replaced every instance. */
export const sources: Part<"sources"> = (base) =>
  evidenceSources({ reach: awsPlatforms(elsewhere(base)), allowed: settings().refreshAllowed });

/** What makes consumers pick up the incoming key. */
export const refreshers: Part<"refreshers"> = (base) =>
  everyRefresher({ reach: awsReach(elsewhere(base)), allowed: settings().refreshAllowed });

/** Access to workloads outside AWS, limited to hosts that the deployment lists. */
export function elsewhere({ store, clock }: Deps): Elsewhere {
  const { refreshAllowed, allowLoopbackProviders: allowLoopback } = settings();
  return {
    http: boundedHttp({ allowHosts: hostsIn(refreshAllowed), allowLoopback }),
    read: async (secretArn) => keyIn((await store.current(secretArn)).text),
    newNonce: randomUUID,
    pause: clock.pause,
  };
}

/** Every channel that reaches people. */
export const escalator: Part<"escalator"> = (base) => peopleEscalator(base, incidentSettings());

/** Who read what, and what a key did. */
export const scoper: Part<"scoper"> = (base) => cloudTrailScoper(new CloudTrailClient(awsBounds), base);

/** The bucket of reports; without one, the ledger. */
export const reports: Part<"reports"> = (base) => {
  const { auditBucket } = incidentSettings();
  if (!auditBucket) return ledgerShelf(base);
  return s3Shelf(new S3Client({ ...awsBounds, forcePathStyle: true }), { bucket: auditBucket });
};

/** The audit chains to read, the key to sign with, and the locked bucket. */
export const certificates: Part<"certificates"> = ({ clock, digest }) => {
  const { bucket, keyId, mode, retainMs } = auditSettings();
  const now = clock.nowMs;
  const table = dynamoTable(new DynamoDBClient(awsBounds), settings().table);
  const shelf = s3Anchor(new S3Client({ ...awsBounds, forcePathStyle: true }), {
    bucket,
    mode,
    retainMs,
    now,
  });
  const filed = filing({ signer: kmsSigner(new KMSClient(awsBounds), { keyId }), shelf });
  return { ...filed, log: auditLog({ table, digest, now }) };
};
