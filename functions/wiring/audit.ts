import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { auditLog } from "../../audit/chain.ts";
import { auditCheckpoints } from "../../audit/checkpoint.ts";
import { kmsSigner } from "../../audit/kms-signer.ts";
import { s3Anchor } from "../../audit/s3-anchor.ts";
import { awsBounds } from "../../aws/bounds.ts";
import { dynamoTable } from "../../ledger/dynamodb.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import type { AnchorDeps } from "../deps.ts";
import { log, nodeDigest, systemClock } from "./base.ts";
import { auditSettings, settings } from "./settings.ts";

let built: AnchorDeps | undefined;

/** The ledger to read, the key to sign with, and the bucket for checkpoints. */
export function anchorWiring(): AnchorDeps {
  built ??= build();
  return built;
}

function build(): AnchorDeps {
  const { table: tableName, environment } = settings();
  const { bucket, keyId, mode, retainMs } = auditSettings();
  const table = dynamoTable(new DynamoDBClient(awsBounds), tableName);
  const now = systemClock.nowMs;
  return {
    ...{ environment, clock: systemClock, log },
    ledger: ledgerOn(table),
    checkpoints: auditCheckpoints({
      log: auditLog({ table, digest: nodeDigest, now }),
      signer: kmsSigner(new KMSClient(awsBounds), { keyId }),
      anchor: s3Anchor(new S3Client({ ...awsBounds, forcePathStyle: true }), { bucket, mode, retainMs, now }),
      now,
    }),
  };
}
