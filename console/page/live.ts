import { useEffect, useState } from "preact/hooks";
import type { FleetChange, FleetRow, Shown, Trouble } from "../shown.ts";
import { type Place, placeIn, streamFor } from "./place.ts";

export interface Live {
  readonly fleet?: Omit<FleetChange, "removed" | "nowMs">;
  readonly shown?: Shown;
  readonly trouble?: string;
  readonly isConnected: boolean;
  /** The server's clock minus this browser's. */
  readonly skewMs: number;
}

export function usePlace(): Place {
  const [place, setPlace] = useState(() => placeIn(location.hash));
  useEffect(() => {
    const follow = () => {
      setPlace(placeIn(location.hash));
      scrollTo(0, 0);
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return place;
}

/** The time on the server's clock, moving once a second. */
export function useNow(skewMs: number): number {
  const [nowMs, setNowMs] = useState(() => Date.now() + skewMs);
  useEffect(() => {
    setNowMs(Date.now() + skewMs);
    const timer = setInterval(() => setNowMs(Date.now() + skewMs), 1_000);
    return () => clearInterval(timer);
  }, [skewMs]);
  return nowMs;
}

/** Follows the stream of one place. The fleet stays when the place changes. */
export function useLive(place: Place): Live {
  const [live, setLive] = useState<Live>({ isConnected: false, skewMs: 0 });
  const address = streamFor(place);
  useEffect(() => {
    const source = new EventSource(address);
    setLive(({ shown: _left, trouble: _old, ...rest }) => rest);
    const on = <Data>(name: string, take: (data: Data) => (before: Live) => Live) =>
      source.addEventListener(name, (event) =>
        setLive(take(JSON.parse((event as MessageEvent).data) as Data)),
      );
    const heard = ({ trouble: _old, ...before }: Live, nowMs: number) => ({
      ...before,
      isConnected: true,
      // Small differences are the network's, and would make every clock jump.
      skewMs: Math.abs(nowMs - Date.now() - before.skewMs) > 2_000 ? nowMs - Date.now() : before.skewMs,
    });
    let isFirst = true;
    on<FleetChange>("fleet", (change) => {
      const isWhole = isFirst;
      isFirst = false;
      return (before) => ({
        ...heard(before, change.nowMs),
        fleet: merged(isWhole ? undefined : before.fleet, change),
      });
    });
    on<Shown & { readonly nowMs?: number }>("shown", (shown) => (before) => ({
      ...heard(before, shown.nowMs ?? Date.now() + before.skewMs),
      shown: joined(before.shown, shown),
    }));
    on<Trouble>("trouble", ({ text }) => (before) => ({ ...before, isConnected: true, trouble: text }));
    source.addEventListener("open", () => {
      isFirst = true;
      setLive((before) => ({ ...before, isConnected: true }));
    });
    source.addEventListener("error", () => setLive((before) => ({ ...before, isConnected: false })));
    return () => source.close();
  }, [address]);
  return live;
}

function merged(before: Live["fleet"], change: FleetChange): NonNullable<Live["fleet"]> {
  const rows = new Map<string, FleetRow>(before?.rows.map((row) => [row.secretArn, row]));
  for (const secretArn of change.removed) rows.delete(secretArn);
  for (const row of change.rows) rows.set(row.secretArn, row);
  const { read, total, incidents, campaigns, stops } = change;
  return { rows: [...rows.values()], read, total, incidents, campaigns, stops };
}

/** The audit comes in parts; everything else comes whole. */
function joined(before: Shown | undefined, shown: Shown): Shown {
  if (shown.kind !== "audit" || before?.kind !== "audit") return shown;
  const ids = new Set(shown.chains.map(({ id }) => id));
  return { ...shown, chains: [...before.chains.filter(({ id }) => !ids.has(id)), ...shown.chains] };
}
