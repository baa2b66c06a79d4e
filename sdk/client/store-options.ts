import { type Clock, systemClock } from "./clock.ts";
import type { Environment, Fetch } from "./credentials.ts";
import { type RekeyOptions, transportFrom } from "./options.ts";
import type { Transport } from "./transport.ts";

/** What the reading of a store outside AWS works with. */
export interface StoreWorld {
  /** Everything that is not in the store. */
  aws: Transport;
  clock: Clock;
  env: Environment;
  fetch: Fetch;
}

/** Options of a client whose secrets may also be in one more store; reports go to the same bus as ever. */
export function withStore(
  options: RekeyOptions,
  transportOf: (world: StoreWorld) => Transport,
): RekeyOptions {
  const { clock = systemClock, env = process.env, fetch = globalThis.fetch } = options;
  const aws = options.transport ?? transportFrom(options, clock);
  return { ...options, transport: transportOf({ aws, clock, env, fetch }) };
}
