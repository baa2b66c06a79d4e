import type { Tally } from "../consumer.ts";
import type { PreparedWorld } from "../demonstration.ts";
import type { Place } from "./places.ts";

const everyMs = 1_000;

export interface Traffic {
  tally(): Tally;
  stop(): Promise<void>;
}

/** What runs at each place asks the provider with the key that it was given, and what goes on there goes on. */
export function startTraffic(
  places: readonly Place[],
  { url, header, scheme }: PreparedWorld["call"],
): Traffic {
  const tally = { requests: 0, failed: 0 };
  const open = new Set<Promise<void>>();
  const ask = async (key: string): Promise<void> => {
    const headers = { [header]: `${scheme}${key}`, "content-type": "application/json" };
    tally.requests += 1;
    const reply = await fetch(url, { method: "POST", headers, body: '{"model":"gpt-fake","messages":[]}' });
    await reply.arrayBuffer();
    if (reply.status !== 200) tally.failed += 1;
  };
  const serve = async (place: Place): Promise<void> => {
    place.tick();
    await Promise.all((await place.running()).map(ask));
  };
  const timer = setInterval(() => {
    for (const place of places) {
      const turn = serve(place)
        .catch(() => {
          tally.failed += 1;
        })
        .finally(() => open.delete(turn));
      open.add(turn);
    }
  }, everyMs);
  return {
    tally: () => tally,
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
    },
  };
}
