import { type Clock, systemClock } from "../client/clock.ts";
import type { Environment } from "../client/credentials.ts";
import { transportFrom } from "../client/options.ts";
import type { Transport } from "../client/transport.ts";
import { vaultTransport } from "../client/vault.ts";

/** Every store whose secrets the two commands can be given, as the environment describes the way there. */
export function hostTransport(env: Environment, clock: Clock = systemClock): Transport {
  const aws = transportFrom({ env }, clock);
  return vaultTransport({}, { aws, clock, env, fetch: globalThis.fetch });
}
