import type { AddressInfo } from "node:net";
import { type Clock, systemClock } from "../client/clock.ts";
import type { Environment } from "../client/credentials.ts";
import type { LogLine, Transport } from "../client/index.ts";
import { HostFailure, unreadable } from "../host/failure.ts";
import { hostTransport } from "../host/transport.ts";
import { Secrets } from "./secrets.ts";
import { createSecretsServer } from "./server.ts";
import type { AgentSettings } from "./settings.ts";
import { readOrMakeToken } from "./token-file.ts";

export interface AgentOptions {
  env: Environment;
  transport?: Transport;
  clock?: Clock;
  log?: (line: LogLine) => void;
}

export interface Agent {
  readonly port: number;
  /** Asks upstream for every secret now. */
  refresh(): Promise<void>;
  /** Reports for the last time and lets go of everything. */
  stop(): Promise<void>;
}

/** AWS's agent closes a connection after as long. */
const keepAliveMs = 61_000;
/** A supervisor kills after 10 s (Docker) or more: a bus that hangs gets less than that. */
const closeMaxMs = 5_000;

/** Serves once every secret was read; a secret that cannot be read stops it from starting, by name. */
export async function startAgent(settings: AgentSettings, options: AgentOptions): Promise<Agent> {
  const { env, clock = systemClock, log } = options;
  const { secrets: declared, port, tokenFile, tokenGroup, ...client } = settings;
  const transport = options.transport ?? hostTransport(env, clock);
  const kind = "agent";
  const secrets = new Secrets({ ...client, env, clock, log, transport, kind, declared, onlyDeclared: true });
  const [failed] = await secrets.prefetch();
  if (failed) {
    await closeSoon(secrets);
    throw unreadable(failed.secret, failed.error, 1);
  }
  const token = readOrMakeToken({ path: tokenFile, group: tokenGroup });
  const server = createSecretsServer({ secrets, token, keepAliveMs });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(cannotListen(port, error)));
    server.listen(port, "127.0.0.1", resolve);
  }).catch(async (error: unknown) => {
    await closeSoon(secrets);
    throw error;
  });
  return {
    port: (server.address() as AddressInfo).port,
    refresh: () => secrets.refresh(),
    async stop() {
      server.close();
      server.closeAllConnections();
      await closeSoon(secrets);
    },
  };
}

function cannotListen(port: number, { code = "an error" }: NodeJS.ErrnoException): HostFailure {
  const hint = "another agent may be there: choose a free one with --port";
  return new HostFailure(`port ${port} of 127.0.0.1 cannot be used (${code})`, { hint, exitCode: 1 });
}

async function closeSoon(secrets: Secrets): Promise<void> {
  const limit = new Promise<void>((resolve) => {
    setTimeout(resolve, closeMaxMs).unref();
  });
  await Promise.race([secrets.close(), limit]);
}
