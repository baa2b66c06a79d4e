import * as z from "zod";
import { ProviderGarbled } from "../../core/errors.ts";
import type { KeyId } from "../../core/ports.ts";
import type { AdminApi } from "../admin-api.ts";

const pagesMax = 4;
const minuteMs = 60_000;

/** Anthropic's bucket widths and how many of each one reply may hold, finest first. */
const widths = [
  { name: "1m", ms: minuteMs, bucketsMax: 1440 },
  { name: "1h", ms: 60 * minuteMs, bucketsMax: 168 },
  { name: "1d", ms: 24 * 60 * minuteMs, bucketsMax: 31 },
] as const;

const tokens = z.number().min(0).max(1e15).nullish();
const Result = z.object({
  api_key_id: z.string().max(128).nullish(),
  uncached_input_tokens: tokens,
  cache_creation: z.record(z.string(), tokens).nullish(),
  cache_read_input_tokens: tokens,
  output_tokens: tokens,
});
type Result = z.output<typeof Result>;

const UsagePage = z.object({
  data: z.array(z.object({ results: z.array(Result).max(10_000) })).max(1440),
  has_more: z.boolean(),
  next_page: z.string().max(1024).nullish(),
});

/**
 * At least so many requests since the start of the bucket that holds `sinceMs`: Anthropic counts tokens, and each
 * result with tokens stands for one request or more. Undefined when it cannot say: the time is too long for a bounded
 * number of pages, or a result does not name its key.
 */
export async function requestsSince(
  api: AdminApi,
  query: { readonly keyId: KeyId; readonly sinceMs: number; readonly untilMs: number },
): Promise<number | undefined> {
  const { keyId, sinceMs, untilMs } = query;
  const spanMs = untilMs - sinceMs;
  const width = widths.find(({ ms, bucketsMax }) => spanMs < ms * (bucketsMax - 1)) ?? widths[2];
  const parameters = new URLSearchParams({
    starting_at: new Date(sinceMs - (sinceMs % width.ms)).toISOString(),
    bucket_width: width.name,
    limit: String(width.bucketsMax),
    "api_key_ids[]": keyId,
    "group_by[]": "api_key_id",
  });
  let requests = 0;
  for (let page = 0; page < pagesMax; page++) {
    const { json } = await api.read(`/v1/organizations/usage_report/messages?${parameters}`);
    const parsed = UsagePage.safeParse(json);
    if (!parsed.success) throw new ProviderGarbled("anthropic answered usage that is not its protocol");
    const used = parsed.data.data.flatMap(({ results }) => results).filter(isUse);
    if (used.some(({ api_key_id }) => api_key_id !== keyId)) return undefined;
    requests += used.length;
    if (!parsed.data.has_more) return requests;
    if (!parsed.data.next_page) throw new ProviderGarbled("anthropic did not name the next page of usage");
    parameters.set("page", parsed.data.next_page);
  }
  return undefined;
}

function isUse(result: Result): boolean {
  const { uncached_input_tokens, cache_creation, cache_read_input_tokens, output_tokens } = result;
  const counts = [uncached_input_tokens, cache_read_input_tokens, output_tokens];
  return [...counts, ...Object.values(cache_creation ?? {})].some((count) => (count ?? 0) > 0);
}
