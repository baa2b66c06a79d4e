import { AdminCredentialRefused, ProviderGarbled } from "../../core/errors.ts";
import { type AdminApi, isOk } from "../admin-api.ts";
import { outcomeOf, UsagePage } from "./replies.ts";
import type { UsageFamily } from "./settings.ts";

const USAGE_PAGES_MAX = 4;
const MINUTE_S = 60;

/** OpenAI's bucket widths and how many of each one reply may hold, finest first. */
const WIDTHS = [
  { name: "1m", seconds: MINUTE_S, bucketsMax: 1440 },
  { name: "1h", seconds: 60 * MINUTE_S, bucketsMax: 168 },
  { name: "1d", seconds: 24 * 60 * MINUTE_S, bucketsMax: 31 },
] as const;

/**
 * Requests of one key since the start of the bucket that holds `sinceMs`. Undefined when OpenAI cannot say:
 * the time is too long for a bounded number of pages, or a result does not name its key.
 */
export async function requestsSince(
  api: AdminApi,
  query: {
    readonly keyId: string;
    readonly sinceMs: number;
    readonly untilMs: number;
    readonly families: readonly UsageFamily[];
  },
): Promise<number | undefined> {
  let requests = 0;
  for (const family of query.families) {
    const counted = await requestsOfFamily(api, { ...query, family });
    if (counted === undefined) return undefined;
    requests += counted;
  }
  return requests;
}

async function requestsOfFamily(
  api: AdminApi,
  query: {
    readonly keyId: string;
    readonly sinceMs: number;
    readonly untilMs: number;
    readonly family: UsageFamily;
  },
): Promise<number | undefined> {
  const { keyId, family } = query;
  const parameters = new URLSearchParams({
    ...timeRange(query),
    "api_key_ids[]": keyId,
    "group_by[]": "api_key_id",
  });
  let requests = 0;
  for (let page = 0; page < USAGE_PAGES_MAX; page++) {
    const { data, next_page } = await usagePage(api, `/organization/usage/${family}?${parameters}`);
    for (const result of data.flatMap((bucket) => bucket.results)) {
      if (result.api_key_id === keyId) requests += result.num_model_requests;
      else if (!result.api_key_id && result.num_model_requests > 0) return undefined;
    }
    if (!next_page) return requests;
    parameters.set("page", next_page);
  }
  return undefined;
}

function timeRange({
  sinceMs,
  untilMs,
}: {
  readonly sinceMs: number;
  readonly untilMs: number;
}): Record<string, string> {
  const untilS = Math.ceil(untilMs / 1000);
  const sinceS = Math.min(Math.max(0, Math.floor(sinceMs / 1000)), untilS);
  const spanS = untilS - sinceS;
  const width = WIDTHS.find(({ seconds, bucketsMax }) => spanS < seconds * (bucketsMax - 1)) ?? WIDTHS[2];
  const startS = sinceS - (sinceS % width.seconds);
  return { start_time: String(startS), bucket_width: width.name, limit: String(width.bucketsMax) };
}

async function usagePage(api: AdminApi, path: string) {
  const reply = await api.send({ method: "GET", path });
  if (reply.status === 403 || reply.status === 404) {
    throw new AdminCredentialRefused(
      `openai does not show usage to the admin credential: ${outcomeOf(reply)}`,
    );
  }
  if (!isOk(reply)) throw api.failureOf(reply);
  const parsed = UsagePage.safeParse(reply.json);
  if (!parsed.success) throw new ProviderGarbled("openai answered usage that is not its protocol");
  const { data, has_more, next_page } = parsed.data;
  if (has_more && !next_page)
    throw new ProviderGarbled("openai promised another page of usage and did not name it");
  return { data, next_page: has_more === false ? undefined : next_page };
}
