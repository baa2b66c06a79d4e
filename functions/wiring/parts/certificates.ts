import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { certificates as filing } from "../../../audit/certificates.ts";
import { auditLog } from "../../../audit/chain.ts";
import { kmsSigner } from "../../../audit/kms-signer.ts";
import { s3Anchor } from "../../../audit/s3-anchor.ts";
import { awsBounds } from "../../../aws/bounds.ts";
import { dynamoTable } from "../../../ledger/dynamodb.ts";
import type { Part } from "../base.ts";
import { auditSettings, settings } from "../settings.ts";

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
