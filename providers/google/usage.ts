import * as z from "zod";
import { ProviderGarbled } from "../../core/errors.ts";
import type { AdminApi } from "../admin-api.ts";

const pagesMax = 4;
const minuteMs = 60_000;

const Series = z.object({
  timeSeries: z
    .array(
      z.object({
        resource: z.object({ labels: z.record(z.string(), z.string()) }),
        points: z.array(z.object({ value: z.object({ int64Value: z.string().regex(/^\d{1,15}$/) }) })),
      }),
    )
    .max(10_000)
    .nullish(),
  nextPageToken: z.string().max(4096).nullish(),
});

/** Requests with one key, by its uid, as Cloud Monitoring counts them; Rekey's own `countTokens` is left out. */
export async function requestsSince(
  api: AdminApi,
  query: {
    readonly project: string;
    readonly uid: string;
    readonly sinceMs: number;
    readonly untilMs: number;
  },
): Promise<number | undefined> {
  const { project, uid, sinceMs, untilMs } = query;
  const parameters = new URLSearchParams({
    filter:
      'metric.type="serviceruntime.googleapis.com/api/request_count" AND resource.type="consumed_api" ' +
      `AND resource.label.credential_id="apikey:${uid}"`,
    "interval.startTime": new Date(sinceMs - (sinceMs % minuteMs)).toISOString(),
    "interval.endTime": new Date(untilMs).toISOString(),
  });
  let requests = 0;
  for (let page = 0; page < pagesMax; page++) {
    const { json } = await api.read(`/v3/projects/${project}/timeSeries?${parameters}`);
    const isObject = typeof json === "object" && json !== null && !("error" in json);
    const parsed = Series.safeParse(json);
    if (!isObject || !parsed.success)
      throw new ProviderGarbled("google answered usage that is not its protocol");
    for (const { resource, points } of parsed.data.timeSeries ?? []) {
      if (resource.labels["method"]?.endsWith(".CountTokens")) continue;
      for (const { value } of points) requests += Number(value.int64Value);
    }
    if (!parsed.data.nextPageToken) return requests;
    parameters.set("pageToken", parsed.data.nextPageToken);
  }
  return undefined;
}
