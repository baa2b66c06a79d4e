import { consumersBehind } from "./consumers.ts";
import { type InstanceEvidence, isForgotten } from "./evidence.ts";
import { type AdoptionView, declaredConsumers, isFresh, reportsOf, useOf } from "./view.ts";

/**
 * How a consumer stands whose key was taken away. `failing`: it runs, and was refused with the incoming key. `cutOff`:
 * it runs, and holds or was refused with the key that no longer works. `silent`: it was not heard from in the time in
 * which it has to report, and may still run. `gone`: it said that it ends, or a person said that it is gone.
 */
export type Standing = "failing" | "cutOff" | "silent" | "gone";

export interface ConsumerStanding {
  readonly consumer: string;
  readonly standing: Standing;
  readonly instances: number;
  /** Absent if it never reported. */
  readonly seenAtMs?: number;
}

/** Each declared consumer that has not moved. What was observed decides: a report, its age, and how its last call ended. */
export function standingsOf(view: AdoptionView): readonly ConsumerStanding[] {
  const behind = new Set(
    consumersBehind(view).flatMap(({ consumer, environment }) =>
      consumer === undefined ? [] : [`${environment}/${consumer}`],
    ),
  );
  return declaredConsumers(view)
    .filter((consumer) => {
      const reports = reportsOf(view, consumer);
      return (
        behind.has(`${consumer.environment}/${consumer.name}`) ||
        reports.some((item) => standingOf(item, view) === "failing")
      );
    })
    .map((consumer) => {
      const all = reportsOf(view, consumer).map((item) => ({ item, standing: standingOf(item, view) }));
      const standing = worst.find((each) => all.some((one) => one.standing === each)) ?? "silent";
      const those = all.filter((one) => one.standing === standing);
      const seen = those.map(({ item }) => item.observedAtMs);
      return {
        ...{ consumer: consumer.name, standing, instances: those.length },
        ...(seen.length > 0 && { seenAtMs: Math.max(...seen) }),
      };
    });
}

const worst: readonly Standing[] = ["failing", "cutOff", "silent", "gone"];

/** Undefined for an instance that works with the incoming key. */
function standingOf(item: InstanceEvidence, view: AdoptionView): Standing | undefined {
  if (item.ended || isForgotten(item)) return "gone";
  if (isRefused(item, view.incoming.fingerprint)) return isFresh(item, view) ? "failing" : "silent";
  if (item.holds.fingerprint === view.incoming.fingerprint) return undefined;
  return isFresh(item, view) ? "cutOff" : "silent";
}

function isRefused(item: InstanceEvidence, fingerprint: string): boolean {
  const use = useOf(item, fingerprint);
  if (use === undefined || use.lastRefusalAgoMs === null) return false;
  return use.lastSuccessAgoMs === null || use.lastSuccessAgoMs >= use.lastRefusalAgoMs;
}

const words: Readonly<Record<Standing, string>> = {
  failing: "failing: alive, and refused with the incoming key",
  cutOff: "cut off: alive, with the key that no longer works",
  silent: "silent: not heard from, and may still run",
  gone: "gone: it ended",
};

export function sayStanding({ consumer, standing }: Pick<ConsumerStanding, "consumer" | "standing">): string {
  return `${consumer} is ${words[standing]}`;
}

/** Alive and refused: somebody has an outage now. */
export function isCutOff({ standing }: Pick<ConsumerStanding, "standing">): boolean {
  return standing === "failing" || standing === "cutOff";
}
