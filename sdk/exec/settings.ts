import { type DeclaredSecret, parseSecret } from "../agent/secrets.ts";
import type { Environment } from "../client/credentials.ts";
import { durationMs, type Given, type Option, optionsFrom } from "../host/arguments.ts";
import { usage } from "../host/failure.ts";
import { type ReadyCheck, readyCheckFrom } from "./ready.ts";

export interface ExecSettings {
  secret: DeclaredSecret;
  consumer: string;
  environment: string;
  reportBus: string | undefined;
  instance: string | undefined;
  command: readonly string[];
  delivery: Delivery;
  /** Variables of Rekey's own or with credentials that the child gets all the same. */
  pass: readonly string[];
  /** A signal instead of a restart when the key changes. */
  signal: NodeJS.Signals | undefined;
  stopSignal: NodeJS.Signals;
  graceMs: number;
  ready: ReadyCheck;
  readyMaxMs: number;
  permitUrl: string | undefined;
  permitMaxMs: number;
  withoutPermit: "stay" | "restart";
  /** Without a permit's answer a restart waits for a random part of this. */
  spreadMs: number;
  refreshEveryMs: number;
  maxStaleMs: number;
  whenStale: "stop" | "keep";
}

export type Delivery =
  | { kind: "env"; name: string }
  | { kind: "file"; path: string | undefined; variable: string; mayBeOnDisk: boolean };

/** What `rekey exec` is told, by flag or by variable. */
export const execOptions = {
  secret: { takes: "ARN[#FIELD]", variable: "REKEY_SECRET", says: "the secret whose key the command gets" },
  consumer: { takes: "NAME", variable: "REKEY_CONSUMER", says: "the consumer's name in rekey.yml" },
  environment: { takes: "NAME", variable: "REKEY_ENVIRONMENT", says: "its environment" },
  "report-bus": { takes: "NAME", variable: "REKEY_REPORT_BUS", says: "where to report; none: no evidence" },
  file: { takes: "PATH", says: "the key's file, mode 0400; default a new one in memory (tmpfs)" },
  "file-env": {
    takes: "NAME",
    says: "the variable with the file's path; KEY_FILE. {file} in the command works, too",
  },
  "on-disk": { says: "lets --file be on a disk, where deleted keys can be found again" },
  env: { takes: "NAME", says: "the key in this variable instead, where /proc shows it to the same user" },
  pass: {
    takes: "NAME",
    isMany: true,
    says: "a variable to pass on, such as AWS_ROLE_ARN: credentials are held back",
  },
  signal: { takes: "NAME", says: "on a new key, replace the file and send this; gives no evidence" },
  "stop-signal": { takes: "NAME", says: "how a restart asks the command to end: SIGTERM" },
  grace: { takes: "TIME", says: "from the stop signal to SIGKILL: 30s" },
  ready: { takes: "CHECK", says: "http://…, tcp:HOST:PORT or exec:COMMAND; default: it lives for 3 s" },
  "ready-within": { takes: "TIME", says: "how long the check may take after a restart: 2m" },
  "permit-url": {
    takes: "URL",
    variable: "REKEY_PERMIT_URL",
    says: "where restarts are permitted one after another",
  },
  "permit-wait": { takes: "TIME", says: "without a permit for this time, say so: 30m" },
  "without-permit": {
    takes: "stay|restart",
    says: "then keep the key and ask on, or restart all the same: stay",
  },
  spread: { takes: "TIME", says: "without a permit, wait for a random part of this: 5m" },
  refresh: { takes: "TIME", variable: "REKEY_REFRESH", says: "how often to look for a rotation: 1m" },
  "max-stale": {
    takes: "TIME",
    variable: "REKEY_MAX_STALE",
    says: "how long the key may go unconfirmed: 24h",
  },
  "when-stale": { takes: "stop|keep", says: "then stop the command (stop), or keep it and hold up revokes" },
  instance: { takes: "NAME", variable: "REKEY_INSTANCE", says: "this instance in reports: the host's name" },
} as const satisfies Readonly<Record<string, Option>>;

type Name = keyof typeof execOptions;

/** The longest that a report may name: 115 days. */
const keptMaxMs = 10 ** 10;
const minuteMs = 60_000;

export function settingsFrom(args: readonly string[], env: Environment): ExecSettings {
  const at = args.indexOf("--");
  const command = at === -1 ? [] : args.slice(at + 1);
  const given = optionsFrom(at === -1 ? args : args.slice(0, at), { table: execOptions, env });
  const one = (name: Name) => given[name]?.[0];
  const [secret, consumer] = [one("secret"), one("consumer")];
  if (command.length === 0)
    throw usage("no command is given", "rekey exec --secret ARN --consumer NAME -- command …");
  if (!secret) throw usage("no secret is named", "name it with --secret ARN[#FIELD]");
  if (!consumer)
    throw usage("no consumer is named", "give the name that rekey.yml gives this program: --consumer");
  const signal = signalOf("signal", one("signal"));
  const delivery = deliveryFrom(given);
  if (signal && delivery.kind === "env")
    throw usage("--signal cannot change a variable of a running command", "use a file");
  if (signal && one("report-bus")) {
    const hint = "leave out --report-bus, and give the consumer another kind of evidence in rekey.yml";
    throw usage("with --signal nobody sees which key the command uses, so it may not report one", hint);
  }
  const whenStale = one("when-stale") ?? "stop";
  if (whenStale !== "stop" && whenStale !== "keep") throw usage("--when-stale has to be stop or keep");
  const withoutPermit = one("without-permit") ?? "stay";
  if (withoutPermit !== "stay" && withoutPermit !== "restart")
    throw usage("--without-permit has to be stay or restart");
  const maxStaleMs = durationMs("max-stale", one("max-stale")) ?? 24 * 60 * minuteMs;
  return {
    ...{ secret: parseSecret(secret), consumer, command, delivery, signal, whenStale, withoutPermit },
    environment: one("environment") ?? "undeclared",
    reportBus: one("report-bus"),
    instance: one("instance"),
    pass: given["pass"] ?? [],
    stopSignal: signalOf("stop-signal", one("stop-signal")) ?? "SIGTERM",
    graceMs: durationMs("grace", one("grace")) ?? 30_000,
    ready: readyCheckFrom(one("ready")),
    readyMaxMs: durationMs("ready-within", one("ready-within")) ?? 2 * minuteMs,
    permitUrl: permitUrlFrom(one("permit-url")),
    permitMaxMs: durationMs("permit-wait", one("permit-wait")) ?? 30 * minuteMs,
    spreadMs: durationMs("spread", one("spread")) ?? 5 * minuteMs,
    refreshEveryMs: durationMs("refresh", one("refresh")) ?? minuteMs,
    // A command that is kept whatever happens holds its key for ever, and the gate has to know.
    maxStaleMs: whenStale === "keep" ? keptMaxMs : maxStaleMs,
  };
}

function deliveryFrom(given: Given): Delivery {
  const one = (name: Name) => given[name]?.[0];
  const [name, path, variable = "KEY_FILE"] = [one("env"), one("file"), one("file-env")];
  const mayBeOnDisk = (given["on-disk"] ?? []).length > 0;
  if (name === undefined)
    return { kind: "file", path, variable: variableName("file-env", variable), mayBeOnDisk };
  if (path !== undefined || one("file-env") !== undefined) throw usage("--env and --file exclude each other");
  return { kind: "env", name: variableName("env", name) };
}

/** Names that change what is run, and not only what it is told. */
const harmful = /^(PATH|IFS|SHELL|HOME|NODE_OPTIONS|(LD|DYLD|REKEY)_.*)$/;

function variableName(option: string, name: string): string {
  if (!/^[A-Za-z_]\w{0,127}$/.test(name)) throw usage(`--${option} has to be the name of a variable`);
  if (harmful.test(name)) throw usage(`--${option} may not be ${name}`);
  return name;
}

const signals = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"] as const;

function signalOf(option: string, text: string | undefined): NodeJS.Signals | undefined {
  if (text === undefined) return undefined;
  const name = `SIG${text.toUpperCase().replace(/^SIG/, "")}`;
  const signal = signals.find((each) => each === name);
  if (!signal) throw usage(`--${option} has to be one of ${signals.join(", ")}`);
  return signal;
}

function permitUrlFrom(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url?.protocol === "http:" && /^(localhost|127\.0\.0\.1|\[::1])$/.test(url.hostname);
  if (url?.protocol !== "https:" && !isLocal) throw usage("--permit-url has to be an https address");
  return text;
}
