import type { Policy } from "../../../core/policy.ts";
import { account } from "../world/account.ts";
import { Random } from "./random.ts";

/** In an eighth of the seeds, from a stream of its own: what the seed decides besides stays as it was. */
const ordersEvery = { seeds: 8, at: 0 };
const stream = 12;
const busyMs = 40_000;

export function hasOrders(seed: number): boolean {
  return seed % ordersEvery.seeds === ordersEvery.at;
}

/** What a platform runs with the first secret: it reads when it starts, and reports nothing. */
export interface PlannedFleet {
  readonly instances: number;
  /** What each start is given, as the workload's definition says: the current version, or always the first one. */
  readonly reads: "current" | "pinned";
  /** How long after the promotion the platform restarts it. */
  readonly restartAfterMs: number;
}

/** What people order about a secret at the wrong moment. */
export type OrderDeed =
  | { readonly kind: "leave" }
  /** One person asks for what needs two, and approves it under another role. */
  | { readonly kind: "approveAlone" }
  /** Of a silent instance, as soon as that is allowed; it comes back later, and says so. */
  | { readonly kind: "forget"; readonly consumer: number; readonly backAfterMs: number };

type Ordered = { readonly atMs: number; readonly secret: number } & OrderDeed;

interface WithPolicy {
  readonly policy: Partial<Policy>;
  readonly consumers: readonly unknown[];
  readonly fleet?: PlannedFleet;
}

export const fleetName = "fleet";
const fleetStaleMs = 3_000;

export function withFleet<Secret extends WithPolicy>(
  seed: number,
  secrets: readonly Secret[],
): readonly Secret[] {
  const [first, ...others] = secrets;
  const random = new Random(seed, stream);
  if (first === undefined || !hasOrders(seed) || random.chance(0.4)) return secrets;
  const fleet = {
    instances: random.int(1, 3),
    reads: random.pick<PlannedFleet["reads"]>(["current", "pinned"]),
    restartAfterMs: random.int(500, 8_000),
  };
  const { consumers = "none" } = first.policy;
  const declared = {
    ...{ name: fleetName, environment: "production", account, evidence: ["kubernetes"] as const },
    ...{ workload: "deployments/fleet", maxStaleMs: fleetStaleMs, demandUse: false },
    refresh: { kind: "announce" as const },
  };
  const policy = { ...first.policy, consumers: [...(consumers === "none" ? [] : consumers), declared] };
  return [{ ...first, policy, fleet }, ...others];
}

/** What people order about a secret while its first rotation is at work. */
export function* ordersFor(seed: number, secrets: readonly WithPolicy[]): Generator<Ordered> {
  if (!hasOrders(seed)) return;
  const random = new Random(seed, stream + 1);
  for (let nth = random.pick([0, 1, 2, 3]); nth > 0; nth--)
    yield { atMs: random.int(0, busyMs), secret: random.int(0, secrets.length - 1), kind: "leave" };
  if (random.chance(0.4)) yield { atMs: random.int(0, busyMs), secret: 0, kind: "approveAlone" };
  const count = secrets[0]?.consumers.length ?? 0;
  if (count === 0 || random.chance(0.3)) return;
  const consumer = random.int(0, count - 1);
  const backAfterMs = random.int(100, 3_000);
  yield { atMs: random.int(0, busyMs / 2), secret: 0, kind: "forget", consumer, backAfterMs };
}
