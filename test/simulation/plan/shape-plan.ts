import type { Policy } from "../../../core/policy.ts";
import type { ProviderCapabilities } from "../../../core/ports.ts";
import type { OpenAiFakeOptions } from "../../../providers/openai/fake.ts";
import { providerWithoutMint } from "../world/declared-policy.ts";
import { providerWithTwoPlaces } from "../world/two-places.ts";
import { Random } from "./random.ts";

/** One seed in sixteen; a stream of its own leaves every other seed as it is. */
const shapesEvery = { seeds: 16, at: 3 };
const stream = 50;
/** Of its own too, so that the seeds whose bugs are kept by number have the shape that they had. */
const slotsStream = 61;

export function hasShape(seed: number): boolean {
  return seed % shapesEvery.seeds === shapesEvery.at;
}

/** How the provider of a seed makes room for a new key, where it is not side by side. */
export type PlannedShape =
  /** The owner has other keys too: nobody may end the live ones for a new key. */
  | {
      readonly kind: "atMost";
      readonly keys: number;
      readonly liveOthers: number;
      readonly disabledOthers: number;
    }
  /** A person brings the key: what comes of each request, in turn; whoever is asked after that brings the right one. */
  | { readonly kind: "assisted"; readonly answers: readonly PlannedAnswer[] }
  | { readonly kind: "clientSecret" }
  /** Two places, of which the idle one is overwritten. */
  | { readonly kind: "slots" };

/** What a person offers first. After a refusal the right key follows. */
export type Offer = "right" | "retiring" | "old" | "otherProject" | "notAKey" | "twice" | "nothing";

export interface PlannedAnswer {
  readonly afterMs: number;
  readonly offers: Offer;
}

export function shapeFor(seed: number, secrets: number): PlannedShape | undefined {
  if (!hasShape(seed)) return undefined;
  const random = new Random(seed, stream);
  if (new Random(seed, slotsStream).chance(0.3)) return { kind: "slots" };
  switch (random.pick(["atMost", "assisted", "clientSecret"])) {
    case "atMost":
      return atMostFor(random, secrets);
    case "assisted":
      return { kind: "assisted", answers: Array.from({ length: random.int(1, 3) }, () => answerFor(random)) };
    default:
      return { kind: "clientSecret" };
  }
}

/** Often full, with and without a disabled key that may go for the new one. */
function atMostFor(random: Random, secrets: number): PlannedShape {
  const [liveOthers, disabledOthers] = [random.int(0, 2), random.pick([0, 1, 1, 2])];
  const free = random.pick([0, 0, 1]);
  const keys = Math.max(2, secrets + liveOthers + disabledOthers + free);
  return { kind: "atMost", keys, liveOthers, disabledOthers };
}

function answerFor(random: Random): PlannedAnswer {
  const offers = random.pick<Offer>([
    ...(["right", "right", "retiring", "retiring", "old"] as const),
    ...(["otherProject", "otherProject", "notAKey", "twice", "nothing"] as const),
  ]);
  return { offers, afterMs: random.chance(0.3) ? random.int(60_000, 20 * 60_000) : random.int(0, 20_000) };
}

const places = 2;
export const otherProject = "proj_OTHER";

const projects = [
  { id: "proj_FAKE", serviceAccounts: [{ id: "svc_acct_FAKE", name: "rekey/fake" }] },
  { id: otherProject, serviceAccounts: [{ id: "svc_acct_OTHER", name: "rekey/other" }] },
];

/** What the stand-in is told of this shape, and of an outage. */
export function standInOf(
  shape: PlannedShape | undefined,
  outage?: { readonly dieMs: number },
): OpenAiFakeOptions {
  if (outage !== undefined) return { dieMs: outage.dieMs };
  if (shape?.kind === "atMost") return { keysMax: shape.keys };
  if (shape?.kind === "slots") return { keysMax: places };
  return shape?.kind === "assisted" ? { projects } : {};
}

export function capabilitiesOf(shape: PlannedShape | undefined): Partial<ProviderCapabilities> {
  if (shape?.kind === "atMost") return { shape: { kind: "atMost", keys: shape.keys } };
  return shape?.kind === "clientSecret" ? { shape: { kind: "clientSecret" } } : {};
}

/** Whether the provider makes another key, by whatever hand. */
export function hasRoom(
  { shape, provider }: { readonly shape?: PlannedShape; readonly provider: OpenAiFakeOptions },
  keys: readonly { readonly isListed: boolean }[],
): boolean {
  const { keysMax } = provider;
  return (
    shape === undefined || keysMax === undefined || keys.filter(({ isListed }) => isListed).length < keysMax
  );
}

interface WithPolicy {
  readonly name: string;
  readonly scopes: readonly string[] | undefined;
  readonly policy: Partial<Policy>;
}

/** An account with two places has one secret, its keys have no scopes, and it tells no use. */
export function ofShape<Secret extends WithPolicy>(
  shape: PlannedShape | undefined,
  secrets: readonly Secret[],
  propagation: Readonly<Record<string, number>>,
): readonly Secret[] {
  const signals: Policy["signals"] = ["client"];
  switch (shape?.kind) {
    case "assisted":
      return secrets.map((each) => {
        const provider = providerWithoutMint(each.name, propagation);
        return { ...each, policy: { ...each.policy, provider } };
      });
    case "slots":
      return secrets.slice(0, 1).map((each) => {
        const provider = providerWithTwoPlaces(each.name, propagation);
        return { ...each, scopes: undefined, policy: { ...each.policy, provider, signals } };
      });
    default:
      return secrets;
  }
}
