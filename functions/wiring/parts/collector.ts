import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { auditLog } from "../../../audit/chain.ts";
import { awsBounds } from "../../../aws/bounds.ts";
import { dynamoTable } from "../../../ledger/dynamodb.ts";
import { boundedHttp } from "../../../providers/http.ts";
import { adminCredential } from "../../adapters/admin-credential.ts";
import type { Collector, Deps } from "../../deps.ts";
import type { Part } from "../base.ts";
import { once } from "../once.ts";
import { type AuditCollector, auditCollector, settings } from "../settings.ts";

/** The collector that the deployment names, and the audit logs to read. */
export const collector: Part<"collector"> = (base) => {
  const named = auditCollector();
  if (named === undefined) return undefined;
  const loaded = once(() => connect(named, base));
  const table = dynamoTable(new DynamoDBClient(awsBounds), settings().table);
  return {
    send: async (events) => (await loaded()).send(events),
    log: auditLog({ table, digest: base.digest, now: base.clock.nowMs }),
  };
};

async function connect(named: AuditCollector, { store }: Deps): Promise<Collector> {
  const { firehoseCollector, httpsCollector, kafkaCollector } = await import("../../adapters/collector.ts");
  if (named.kind === "firehose") {
    const { FirehoseClient } = await import("@aws-sdk/client-firehose");
    return firehoseCollector(new FirehoseClient(awsBounds), named.stream);
  }
  const { kind, url, header, secret } = named;
  const http = boundedHttp({
    allowHosts: [new URL(url).host],
    allowLoopback: settings().allowLoopbackProviders,
  });
  const place = { http, url, header, token: adminCredential(store, secret) };
  return kind === "kafka-rest" ? kafkaCollector(place) : httpsCollector(place);
}
