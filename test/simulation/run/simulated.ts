import type { TwoPeople } from "../../../core/orders.ts";
import type { KeyCompromised } from "../../../events/compromise.ts";
import type { Forgery } from "../plan/hard-incident-plan.ts";
import type { Plan } from "../plan/plan.ts";
import type { WatchedSecret, Witness } from "../rules/witness.ts";
import type { ConsumerOptions, Instance } from "../world/consumer.ts";
import type { BoundaryCall, Surroundings } from "../world/surroundings.ts";
import type { World } from "../world/world.ts";

/** What a sender has to say, before it is signed. */
export interface Letter {
  readonly source: "report" | "trufflehog";
  readonly body: string;
}

/** A user's name, or a principal in a deployment that asks for two people. */
export type OrderedBy = string | { readonly principal: string; readonly twoPeople: TwoPeople };

/** One run of the simulator, as those see it who act in it and those who judge it. */
export interface Simulated {
  readonly plan: Plan;
  readonly world: World;
  readonly watch: Witness;
  readonly secrets: readonly WatchedSecret[];
  readonly storm: Surroundings & {
    readonly losesStatusEvents: boolean;
    refusesDeletes: { readonly status: number; readonly untilMs: number } | undefined;
    call<Answer>(call: BoundaryCall, effect: () => Promise<Answer>): Promise<Answer>;
  };
  readonly outside: {
    readonly underWay: number;
    readonly told: readonly KeyCompromised[];
    open(): void;
    send(letter: Letter): Promise<void>;
    forge(letter: Letter, how: Forgery): Promise<void>;
    order(
      command: Readonly<Record<string, unknown>>,
      by?: OrderedBy,
    ): Promise<Record<string, unknown> | undefined>;
  };
  strays: number;
  readonly consumerCalls: number;
  startInstance(secret: WatchedSecret, consumer: number): Promise<Instance | undefined>;
  startInstanceOf(secret: WatchedSecret, options: ConsumerOptions): Promise<Instance>;
}
