import { type DeclaredSecret, parseSecret } from "../agent/secrets.ts";
import type { Environment } from "../client/credentials.ts";
import { OptionInvalid } from "../client/errors.ts";

export interface ExtensionSettings {
  consumer: string;
  environment: string;
  reportBus: string | undefined;
  /** Read while the function initialises, and reported on. */
  secrets: readonly DeclaredSecret[];
  port: number;
  /** What callers must send; without it every call is refused. */
  token: string | undefined;
  maxStaleMs: number | undefined;
  refreshEveryMs: number | undefined;
}

const secretsMax = 50;

/** Reads the function's environment: REKEY_*, and what Lambda itself sets. */
export function settingsFrom(env: Environment): ExtensionSettings {
  const declared = (env["REKEY_SECRETS"] ?? "").split(",").map((entry) => entry.trim());
  const secrets = declared.filter((entry) => entry !== "").map(parseSecret);
  if (secrets.length > secretsMax) throw new OptionInvalid(`REKEY_SECRETS names more than ${secretsMax}`);
  return {
    consumer: env["REKEY_CONSUMER"] || env["AWS_LAMBDA_FUNCTION_NAME"] || "",
    // Used only in log lines: the bus decides which environment a report is from.
    environment: env["REKEY_ENVIRONMENT"] || "undeclared",
    reportBus: env["REKEY_REPORT_BUS"],
    secrets,
    port: numberIn(env, "REKEY_HTTP_PORT") ?? 2774,
    token: env["AWS_SESSION_TOKEN"],
    maxStaleMs: secondsIn(env, "REKEY_MAX_STALE_SECONDS"),
    refreshEveryMs: secondsIn(env, "REKEY_REFRESH_SECONDS"),
  };
}

function secondsIn(env: Environment, name: string): number | undefined {
  const seconds = numberIn(env, name);
  return seconds === undefined ? undefined : seconds * 1000;
}

function numberIn(env: Environment, name: string): number | undefined {
  const text = env[name];
  if (!text) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new OptionInvalid(name);
  return Number(text);
}
