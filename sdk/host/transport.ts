import { azureTransport } from "../client/azure.ts";
import { type Clock, systemClock } from "../client/clock.ts";
import type { Environment } from "../client/credentials.ts";
import { googleTransport } from "../client/google.ts";
import { transportFrom } from "../client/options.ts";
import type { Transport } from "../client/transport.ts";
import { vaultTransport } from "../client/vault.ts";
import { hostFetch } from "./fetch.ts";

/** Every store whose secrets the two commands can be given, as the environment describes the way there. */
export function hostTransport(env: Environment, clock: Clock = systemClock): Transport {
  const world = { clock, env, fetch: hostFetch };
  const aws = transportFrom({ env, fetch: hostFetch }, clock);
  const withVault = vaultTransport({}, { aws, ...world });
  const withGoogle = googleTransport({}, { aws: withVault, ...world });
  return azureTransport({}, { aws: withGoogle, ...world });
}
