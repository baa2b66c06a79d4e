import { type FirehoseClient, PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { refusalOf } from "../../audit/refusals.ts";
import { InputInvalid, RotationError, StoreUnavailable } from "../../core/errors.ts";
import type { Http, HttpReply } from "../../providers/http.ts";
import type { AdminCredential } from "../../providers/provider.ts";
import type { Collector } from "../deps.ts";

interface Place {
  readonly http: Http;
  readonly url: string;
  /** The header that the collector asks for, whose whole value is the token. */
  readonly header: string;
  readonly token: AdminCredential;
}

/** One JSON array of events in each request, as most collectors of logs take them. */
export function httpsCollector(place: Place): Collector {
  return {
    send: async (events) => void (await post(place, { body: events.map((event) => JSON.parse(event)) })),
  };
}

/** Kafka REST Proxy, API v2: answers 200 even where single records were not written. */
export function kafkaCollector(place: Place): Collector {
  return {
    async send(events) {
      const records = events.map((event) => ({ value: JSON.parse(event) }));
      const reply = await post(place, { body: { records }, type: "application/vnd.kafka.json.v2+json" });
      const { offsets } = Object(reply.json) as { readonly offsets?: unknown };
      const lost = Array.isArray(offsets) ? offsets.filter((offset) => Object(offset).error != null) : [];
      if (!Array.isArray(offsets) || offsets.length !== events.length || lost.length > 0)
        throw new StoreUnavailable(`Kafka did not take ${lost.length || "all"} of ${events.length} events`);
    },
  };
}

async function post(
  { http, url, header, token }: Place,
  { body, type }: { readonly body: unknown; readonly type?: string },
): Promise<HttpReply> {
  const value = (await token.get()).reveal().trim();
  const headers = { [header]: value, ...(type !== undefined && { "content-type": type }) };
  const reply = await http.send({ method: "POST", url, headers, body }).catch((error: unknown) => {
    if (error instanceof RotationError && error.retry === "later")
      throw new StoreUnavailable("the collector of the audit log does not answer");
    throw error;
  });
  const { status } = reply;
  if (status >= 200 && status < 300) return reply;
  if (status === 401 || status === 403) token.refused();
  if (status === 408 || status === 429 || status >= 500)
    throw new StoreUnavailable(`the collector of the audit log is not available now (${status})`);
  throw new InputInvalid(`the collector of the audit log refused events with ${status}`);
}

/** At least once: what a stream did not take is part of the next request, together with what it took. */
export function firehoseCollector(client: Pick<FirehoseClient, "send">, stream: string): Collector {
  return {
    async send(events) {
      const Records = events.map((event) => ({ Data: Buffer.from(`${event}\n`) }));
      const command = new PutRecordBatchCommand({ DeliveryStreamName: stream, Records });
      const { FailedPutCount = 0 } = await client.send(command).catch((error: unknown) => {
        throw refusalOf(error, { place: stream, operation: "firehose:PutRecordBatch" });
      });
      if (FailedPutCount > 0)
        throw new StoreUnavailable(`${stream} did not take ${FailedPutCount} of ${events.length} events`);
    },
  };
}
