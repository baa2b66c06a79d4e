import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { auditLog } from "../../audit/chain.ts";
import { awsBounds } from "../../aws/bounds.ts";
import { dynamoTable } from "../../ledger/dynamodb.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { connect as secretsManager } from "../../stores/secrets-manager/connect.ts";
import type { KitDeps } from "../deps.ts";
import { log, nodeDigest, systemClock } from "./base.ts";
import { sealedKit, settings } from "./settings.ts";

let built: KitDeps | undefined;

/** The ledger and the admin credentials to read, and the bucket in another Region. */
export function kitWiring(): KitDeps {
  built ??= build();
  return built;
}

function build(): KitDeps {
  const { table: name, environment, providerHosts, allowLoopbackProviders } = settings();
  const table = dynamoTable(new DynamoDBClient(awsBounds), name);
  const place = sealedKit();
  return {
    ...{ environment, providerHosts, allowLoopback: allowLoopbackProviders },
    ...{ clock: systemClock, digest: nodeDigest, log, newId: randomUUID },
    ledger: ledgerOn(table),
    // Admin credentials are in Secrets Manager, wherever the secrets that rotate are.
    adminCredentials: {
      read: async (secretArn) => (await secretsManager(systemClock.pause).current(secretArn)).text,
    },
    audit: auditLog({ table, digest: nodeDigest, now: systemClock.nowMs }),
    kit: place && {
      groups: place.groups,
      put: async (kit) => (await import("./clients/kit-bucket.ts")).putKit(kit, place),
    },
  };
}
