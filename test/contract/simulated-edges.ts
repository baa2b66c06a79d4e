import type { Parts, With } from "../../functions/deps.ts";
import { memoryTable } from "../../ledger/memory.ts";
import { openaiFake } from "../../providers/openai/fake.ts";
import { memoryStore } from "../../stores/secrets-manager/fake.ts";
import { Storm } from "../simulation/faults/storm.ts";
import type { Watch } from "../simulation/rules/watch.ts";
import { Edges } from "../simulation/world/edges.ts";
import { StepFunctions } from "../simulation/world/step-functions.ts";
import { type BrokenLine, brokenLine } from "./broken-line.ts";

type Reach = ConstructorParameters<typeof StepFunctions>[0];

export interface SimulatedEdges {
  /** What a function of the simulator is given. */
  readonly deps: With<keyof Parts>;
  readonly edges: Edges;
  readonly line: BrokenLine;
  close(): void;
}

const strikeOf = { before: "failBefore", after: "lostReply" } as const;
const weather = { rate: 0, kinds: [], faultsMax: 0, isSkewed: false, isBusUnruly: false };
/** The simulator's watch judges a whole world, of which there is none here. */
const nobodyWatches = Object.fromEntries(
  ["started", "ended", "note", "before", "after", "replied", "tell"].map((name) => [name, () => undefined]),
) as unknown as Watch;

/** The simulator's fakes behind its own weather, without the rest of its world. */
export function simulatedEdges(reach: Partial<Reach> = {}): SimulatedEdges {
  const line = brokenLine();
  const strikes = () => {
    const breaksOff = line.take();
    return breaksOff && strikeOf[breaksOff];
  };
  const machines = new StepFunctions({
    invoke: () => Promise.reject(new TypeError("no function is called here")),
    publish: () => undefined,
    announces: () => undefined,
    ended: () => undefined,
    ...reach,
  });
  const edges = new Edges({
    surroundings: new Storm({ weather, seed: 1, watch: nobodyWatches, skewMaxMs: 0, strikes }),
    ...{ store: memoryStore(), table: memoryTable(), provider: openaiFake({ now: Date.now }) },
    ...{
      executions: machines.port(),
      places: () => undefined,
      capabilities: {},
      storeCapabilities: {},
      nowMs: Date.now,
    },
  });
  return {
    deps: edges.depsOf({ id: 1, functionName: "contract", input: undefined, skewMs: 0 }),
    edges,
    line,
    close: () => {
      for (const run of machines.runs.values()) run.stop("the test is over");
    },
  };
}
