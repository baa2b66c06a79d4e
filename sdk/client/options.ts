import { type Clock, stopwatch, systemClock } from "./clock.ts";
import { type CredentialSource, credentialChain, type Environment, type Fetch } from "./credentials.ts";
import { OptionInvalid } from "./errors.ts";
import { createInstance } from "./instance.ts";
import type { Credentials } from "./sigv4.ts";
import { awsTransport, type Transport } from "./transport.ts";

export interface RekeyOptions {
  /** The name that `rekey.yml` gives this program. */
  consumer: string;
  environment: string;
  /** Name or ARN of the environment's report bus; without it nothing is reported. */
  reportBus?: string | undefined;
  region?: string | undefined;
  /** One endpoint for every service; else AWS_ENDPOINT_URL[_SECRETS_MANAGER|_EVENTBRIDGE], else AWS's own. */
  endpoint?: string | undefined;
  /** Default AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT, as in AWS's SDKs. */
  useFipsEndpoint?: boolean | undefined;
  useDualstackEndpoint?: boolean | undefined;
  credentials?: Credentials | CredentialSource | undefined;
  fetch?: Fetch | undefined;
  /** How long a value may be served after it was last confirmed as current. Default 2 hours. */
  maxStaleMs?: number | undefined;
  /** How often a key in use is confirmed. Default 5 minutes, at most half of `maxStaleMs`. */
  refreshEveryMs?: number | undefined;
  /** How often an idle key is confirmed and every key reported. Default 1 hour, at most 3/4 of `maxStaleMs`. */
  heartbeatEveryMs?: number | undefined;
  /** How often both happen while a rotation may be open. Default 15 seconds. */
  watchEveryMs?: number | undefined;
  /** How long any upstream call may take. Default 5 seconds. */
  timeoutMs?: number | undefined;
  /** This process's name in reports, such as a pod's. Default the host's name. Its start id is added to it. */
  instance?: string | undefined;
  /** Tells this start of the process from every other one of the same name. Default random. */
  startId?: string | undefined;
  log?: ((line: LogLine) => void) | undefined;
  /** Replaces AWS; then `region`, `endpoint`, `credentials` and `fetch` are ignored. */
  transport?: Transport | undefined;
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
  env?: Environment | undefined;
  kind?: ReportKind | undefined;
}

/** What happened, in names, codes and times: never a value. */
export interface LogLine {
  event: "changed" | "evicted" | "refreshFailed" | "reportFailed" | "notReporting";
  consumer: string;
  environment: string;
  secret: string;
  detail: string;
}

/** The options with every default filled in, shared by all keys of one client. */
export interface Settings extends Required<Omit<RekeyOptions, Replaced>> {
  readonly reportBus: string | undefined;
  readonly clock: Clock;
  readonly transport: Transport;
  readonly random: () => number;
  readonly maxStaleMs: number;
  readonly refreshEveryMs: number;
  readonly heartbeatEveryMs: number;
  readonly watchEveryMs: number;
  readonly timeoutMs: number;
  readonly kind: ReportKind;
  /** Name and start id: what tells this process from every other one in reports. */
  instance(): string;
  /** Elapsed milliseconds since some moment, even if the clocks jump. */
  now(): number;
  log(event: LogLine["event"], ...about: [secret: string, detail: string]): void;
  /** Once for each event: to `log`, or where there is none as a warning of the process. */
  warn(event: LogLine["event"], ...about: [secret: string, detail: string]): void;
  /** One counter for the instance, for reports about any key, so that a receiver can order them. */
  nextSequence(): number;
}

/**
 * Who reports about a key: the program itself, a server that gives it out, or the command that started the
 * program.
 */
export type ReportKind = "client" | "extension" | "agent" | "exec";

type Replaced = "log" | "instance" | "startId" | "env" | "reportBus" | Place;
type Place = "region" | "endpoint" | "useFipsEndpoint" | "useDualstackEndpoint" | "credentials" | "fetch";

const minuteMs = 60_000;
/** Node fires a timer with a longer delay at once. */
const timerMaxMs = 2 ** 31 - 1;

const defaults = {
  consumer: "",
  environment: "",
  clock: systemClock,
  random: Math.random,
  kind: "client",
  maxStaleMs: 120 * minuteMs,
  refreshEveryMs: 5 * minuteMs,
  heartbeatEveryMs: 60 * minuteMs,
  watchEveryMs: 15_000,
  timeoutMs: 5_000,
};

type Defaults = typeof defaults & Pick<RekeyOptions, "transport">;

export function settingsFrom(options: RekeyOptions): Settings {
  // An empty environment variable means the same as none.
  const given = Object.entries(options).filter(([, value]) => (value ?? "") !== "");
  const settings = { ...defaults, ...Object.fromEntries(given) } as Defaults;
  for (const [name, value] of Object.entries(settings)) checkOption(name, value);
  const { clock, consumer, environment, maxStaleMs } = settings;
  const heartbeatEveryMs = Math.min(settings.heartbeatEveryMs, maxStaleMs * 0.75);
  let sequence = 0;
  const warned = new Set<string>();
  const log: Settings["log"] = (event, secret, detail) =>
    options.log?.({ event, consumer, environment, secret, detail });
  return {
    ...settings,
    refreshEveryMs: Math.min(settings.refreshEveryMs, heartbeatEveryMs, maxStaleMs / 2),
    heartbeatEveryMs,
    instance: createInstance(options),
    transport: settings.transport ?? transportFrom(options, clock),
    now: stopwatch(clock),
    log,
    warn: (event, secret, detail) => {
      if (warned.has(event)) return;
      warned.add(event);
      if (options.log) log(event, secret, detail);
      else process.emitWarning(`${secret}: ${detail}`, { type: "RekeyWarning", code: event });
    },
    nextSequence: () => ++sequence,
  } as Settings;
}

/** Which options are of which type; the value is never quoted, because it may be a key in the wrong place. */
const kinds: Readonly<Record<string, string>> = {
  consumer: "text",
  environment: "text",
  reportBus: "text",
  region: "text",
  endpoint: "text",
  fetch: "function",
  log: "function",
  transport: "function",
  random: "function",
};

function checkOption(name: string, value: unknown): void {
  const kind = name.endsWith("Ms") ? "number" : kinds[name];
  const type = typeof value === "string" ? "text" : typeof value;
  if (kind && type !== kind) throw new OptionInvalid(`option ${name} has to be a ${kind}, not ${type}`);
  if (value === "") throw new OptionInvalid(`option ${name} is missing: it is the name in rekey.yml`);
  if (typeof value === "number" && !(value > 0 && value <= timerMaxMs))
    throw new OptionInvalid(`option ${name} has to be from 1 to ${timerMaxMs}`);
}

/** AWS, as the options and the environment describe the way to it. */
export function transportFrom(options: Partial<RekeyOptions>, clock: Clock): Transport {
  const { region, endpoint, credentials, env = process.env, fetch = globalThis.fetch } = options;
  const { useFipsEndpoint, useDualstackEndpoint } = options;
  const source = typeof credentials === "object" ? async () => credentials : credentials;
  return awsTransport({
    clock,
    env,
    fetch,
    region,
    endpoint,
    useFipsEndpoint,
    useDualstackEndpoint,
    credentials: source ?? credentialChain({ env, fetch, wallMs: () => clock.wallMs() }),
  });
}
