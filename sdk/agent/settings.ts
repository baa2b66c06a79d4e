import { join } from "node:path";
import type { Environment } from "../client/credentials.ts";
import { durationMs, numberOf, type Option, optionsFrom } from "../host/arguments.ts";
import { usage } from "../host/failure.ts";
import { type DeclaredSecret, parseSecret } from "./secrets.ts";

export interface AgentSettings {
  consumer: string;
  environment: string;
  reportBus: string | undefined;
  instance: string | undefined;
  secrets: readonly DeclaredSecret[];
  port: number;
  tokenFile: string;
  tokenGroup: string | undefined;
  maxStaleMs: number | undefined;
  refreshEveryMs: number | undefined;
}

/** What an agent is told, by flag or by variable. */
export const agentOptions = {
  consumer: { takes: "NAME", variable: "REKEY_CONSUMER", says: "the consumer's name in rekey.yml" },
  environment: { takes: "NAME", variable: "REKEY_ENVIRONMENT", says: "its environment, for log lines" },
  secret: {
    takes: "ARN[#FIELD]",
    variable: "REKEY_SECRETS",
    isMany: true,
    says: "a secret to serve, and no other",
  },
  "report-bus": { takes: "NAME", variable: "REKEY_REPORT_BUS", says: "where to report; none: no evidence" },
  port: { takes: "NUMBER", variable: "REKEY_HTTP_PORT", says: "on 127.0.0.1; 2773, as AWS's agent has it" },
  "token-file": { takes: "PATH", variable: "REKEY_TOKEN_FILE", says: "made at start, mode 0400" },
  "token-group": {
    takes: "NAME",
    variable: "REKEY_TOKEN_GROUP",
    says: "may read the token file, too (0440)",
  },
  "max-stale": {
    takes: "TIME",
    variable: "REKEY_MAX_STALE",
    says: "an unconfirmed value is served as long: 2h",
  },
  refresh: { takes: "TIME", variable: "REKEY_REFRESH", says: "how often a value is confirmed: 5m" },
  instance: { takes: "NAME", variable: "REKEY_INSTANCE", says: "this instance in reports: the host's name" },
} as const satisfies Readonly<Record<string, Option>>;

const secretsMax = 50;

export function settingsFrom(args: readonly string[], env: Environment): AgentSettings {
  const given = optionsFrom(args, { table: agentOptions, env });
  const one = (name: keyof typeof agentOptions) => given[name]?.[0];
  const secrets = (given["secret"] ?? []).map(parseSecret);
  if (secrets.length === 0) throw usage("no secret is named", "name each with --secret ARN[#FIELD]");
  if (secrets.length > secretsMax) throw usage(`more than ${secretsMax} secrets are named`);
  const names = new Set(secrets.map(({ secret }) => secret));
  if (names.size < secrets.length)
    throw usage("a secret is named twice", "one agent reports one field of each");
  const consumer = one("consumer");
  if (!consumer)
    throw usage("no consumer is named", "give the name that rekey.yml gives this program: --consumer");
  return {
    consumer,
    environment: one("environment") ?? "undeclared",
    reportBus: one("report-bus"),
    instance: one("instance"),
    secrets,
    port: numberOf("port", one("port"), { min: 0, max: 65_535 }) ?? 2773,
    tokenFile: one("token-file") ?? join(env["RUNTIME_DIRECTORY"] ?? "/run/rekey", "token"),
    tokenGroup: one("token-group"),
    maxStaleMs: durationMs("max-stale", one("max-stale")),
    refreshEveryMs: durationMs("refresh", one("refresh")),
  };
}
