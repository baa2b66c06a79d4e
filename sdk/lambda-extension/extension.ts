import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Secrets } from "../agent/secrets.ts";
import { createSecretsServer } from "../agent/server.ts";
import { type Clock, systemClock } from "../client/clock.ts";
import type { Environment } from "../client/credentials.ts";
import { asRekeyError } from "../client/errors.ts";
import type { LogLine, Transport } from "../client/index.ts";
import { transportFrom } from "../client/options.ts";
import { type ExtensionsApi, registerExtension } from "./extensions-api.ts";
import { settingsFrom } from "./settings.ts";

export interface ExtensionOptions {
  env: Environment;
  transport?: Transport;
  clock?: Clock;
  log?: (line: LogLine) => void;
}

/** The Shutdown phase lasts 2 s, and then everything is killed, so a bus that hangs gets less than that. */
const closeMaxMs = 1_500;

/** Registers, serves and reports until Lambda shuts the sandbox down. `stopped` rejects if it had to give up. */
export async function startExtension(options: ExtensionOptions) {
  const api = await registerExtension(options.env["AWS_LAMBDA_RUNTIME_API"] ?? "");
  const { secrets, server } = await prepare(options).catch(async (error: unknown) => {
    await api.initError(nameOf(error));
    throw error;
  });
  const { port } = server.address() as AddressInfo;
  return { port, stopped: serve(api, { secrets, server }) };
}

async function prepare({ env, clock = systemClock, log, ...given }: ExtensionOptions) {
  const { secrets: declared, port, token, ...settings } = settingsFrom(env);
  const transport = given.transport ?? transportFrom({ env }, clock);
  const kind = "extension";
  const secrets = new Secrets({
    ...settings,
    env,
    clock,
    log,
    transport,
    kind,
    declared,
    onlyDeclared: false,
  });
  const server = createSecretsServer({ secrets, token, keepAliveMs: 0 });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  await secrets.prefetch();
  return { secrets, server };
}

async function serve(
  api: ExtensionsApi,
  { secrets, server }: { secrets: Secrets; server: Server },
): Promise<void> {
  try {
    // Ends when Lambda sends SHUTDOWN. Between two events the sandbox is frozen.
    while ((await api.next()).eventType === "INVOKE") await secrets.tend();
    await Promise.race([secrets.close(), limit()]);
  } catch (error) {
    await api.exitError(nameOf(error));
    throw error;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const limit = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, closeMaxMs).unref();
  });

/** Lambda stores and shows this text, so it gets only the error's name. */
const nameOf = (error: unknown): string => asRekeyError(error).name;
