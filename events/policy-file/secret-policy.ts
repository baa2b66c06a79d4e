import { durationText } from "../../core/duration.ts";
import { nearest } from "../../core/nearest.ts";
import { adminQuietMs } from "../../core/own-credential.ts";
import {
  type ConsumerPolicy,
  type CopyPolicy,
  isReporting,
  isRotated,
  mistakesIn,
  type Policy,
  type ProviderFacts,
  type ProviderPolicy,
  type RefreshAction,
} from "../../core/policy.ts";
import type { StoreCapabilities } from "../../core/ports.ts";
import { intervalMs } from "../../core/schedule.ts";
import { whyNotRotateIn } from "../../core/store-fitness.ts";
import type { BlockMistake } from "./block.ts";
import { scheduleMistakes } from "./schedule-mistakes.ts";
import type { ConsumerBlock, CopyBlock, RefreshBlock, SecretBlock } from "./schema.ts";
import { termsOf } from "./terms.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

export const defaults = {
  maxStaleMs: 15 * minuteMs,
  overlapMs: dayMs,
  soakMs: 15 * minuteMs,
  containByMs: 10 * minuteMs,
  escalateAfterMs: 5 * minuteMs,
  /** For keys that only people rotate. */
  manualMaxAgeMs: 365 * dayMs,
  /** A client reports a change within seconds. If a report is lost, it is sent again within this time. */
  clientLagMs: minuteMs,
} as const;

/** By then an incident's key is dead or escalated, whatever a policy says (T3). */
const incidentClockMs = 15 * minuteMs;

export interface KnownProvider {
  readonly policy: ProviderPolicy;
  /** Undefined if its settings are wrong; that is reported at its own block. */
  readonly facts: ProviderFacts | undefined;
}

/** What a kind of store says about itself without a call. */
export interface DeclaredStore {
  readonly capabilities: StoreCapabilities;
  referenceMistake(reference: string): string | undefined;
}

/** A file without modes goes on as it always did: its secrets are rotated. */
const defaultMode: Policy["mode"] = "rotate";
/** The store of a secret whose block names none. */
const defaultStore = "secrets-manager";

export interface Surroundings {
  /** Now: a schedule has to fire after it. */
  readonly nowMs: number;
  readonly stores: Readonly<Record<string, DeclaredStore>>;
  /** The name of the file that declares the secret. */
  readonly file: string;
  readonly environment: string;
  readonly account: string;
  readonly providers: ReadonlyMap<string, KnownProvider>;
}

export interface NamedBlock {
  readonly name: string;
  readonly block: SecretBlock;
}

/** One secret's policy with every default filled in. The mistakes are in no particular order. */
export function policyFrom(
  named: NamedBlock,
  around: Surroundings,
): { readonly policy: Policy; readonly mistakes: readonly BlockMistake[] } {
  const { block } = named;
  const provider = around.providers.get(block.provider ?? "");
  const policy = filledIn(named, { ...around, provider });
  const missing = [...missingIn(block, around), ...storeMistakes(block, around)];
  const wrong =
    policy.mode === "index"
      ? indexMistakes(block)
      : [...rotationMistakes(policy, provider?.facts), ...scheduleMistakes(policy, around.nowMs)];
  return { policy, mistakes: [...missing, ...wrong, ...incidentMistakes(policy)] };
}

function filledIn(
  { name, block }: NamedBlock,
  around: Surroundings & { readonly provider: KnownProvider | undefined },
): Policy {
  const { provider } = around;
  const when = block.rotate === undefined || block.rotate === "manual" ? undefined : block.rotate;
  const mode = block.mode ?? defaultMode;
  const consumers = consumersOf(block, around);
  const isOwn = block.consumers === "rekey";
  const signals =
    block.signals ?? defaultSignals(consumers, provider === undefined ? ableKind : provider.facts);
  const overlapMs = block.overlap ?? defaults.overlapMs;
  const settingsScopes = provider?.policy.settings["scopes"];
  const scopes = block.scopes ?? (Array.isArray(settingsScopes) ? settingsScopes.map(String) : undefined);
  return {
    secretArn: block.arn ?? "",
    name,
    environment: around.environment,
    ...(block.owner !== undefined && { owner: block.owner }),
    file: around.file,
    ...(block.field !== undefined && { field: block.field }),
    mode,
    provider: provider?.policy ?? { account: "", kind: "", settings: {} },
    ...(block.currentKeyId !== undefined && { currentKeyId: block.currentKeyId }),
    ...(scopes !== undefined && { scopes }),
    consumers,
    ...(isOwn && { isAdminCredential: true as const }),
    ...(block.repositories !== undefined && { repositories: block.repositories }),
    signals,
    ...(block.reports !== undefined && { reports: block.reports }),
    ...(when !== undefined && { schedule: when.expression }),
    ...(when?.timezone !== undefined && { scheduleTimezone: when.timezone }),
    maxAgeMs: block.maxAge ?? maxAgeMs(when?.expression, overlapMs),
    quietMs: block.quiet ?? Math.max(isOwn ? adminQuietMs : 0, slowestLagMs(signals, provider?.facts)),
    overlapMs,
    soakMs: block.soak ?? defaults.soakMs,
    retain: block.retain ?? false,
    ...(block.publishable !== undefined && { publishable: block.publishable }),
    ...termsOf(block),
    incident: {
      ...(block.incident?.plan !== undefined && { plan: block.incident.plan }),
      containByMs: block.incident?.containBy ?? defaults.containByMs,
      escalateAfterMs: block.incident?.escalateAfter ?? defaults.escalateAfterMs,
    },
  };
}

function consumersOf({ consumers, mode }: SecretBlock, around: Surroundings): Policy["consumers"] {
  if (consumers === "none" || consumers === "rekey" || (consumers === undefined && mode === "index"))
    return "none";
  return (consumers ?? []).map((consumer) => consumerFrom(consumer, around));
}

function consumerFrom(block: ConsumerBlock, around: Surroundings): ConsumerPolicy {
  return {
    name: block.name ?? "",
    environment: block.environment ?? around.environment,
    account: block.account ?? around.account,
    evidence: block.evidence ?? (block.copies === undefined ? ["client"] : ["copy"]),
    maxStaleMs: block.maxStale ?? defaults.maxStaleMs,
    ...(block.cadence !== undefined && { cadenceMs: block.cadence }),
    demandUse: block.demandUse ?? false,
    refresh:
      block.refresh === undefined || block.refresh === "announce"
        ? { kind: "announce" }
        : refreshFrom(block.refresh),
    ...(block.roles !== undefined && { roles: block.roles }),
    ...(block.repositories !== undefined && { repositories: block.repositories }),
    ...(block.restartsAtOnce !== undefined && { restartsAtOnce: block.restartsAtOnce }),
    ...(block.copies !== undefined && { copies: block.copies.flatMap(copiesFrom) }),
    ...(block.workload !== undefined && { workload: block.workload }),
  };
}

/** One value under several names is several copies. */
function copiesFrom({ to = "", as, text, takeOver }: CopyBlock): readonly CopyPolicy[] {
  return [as].flat().map((name) => ({
    ...{ to, as: name },
    ...(text !== undefined && { text }),
    ...(takeOver !== undefined && { takeOver }),
  }));
}

function refreshFrom({ owner, ...block }: RefreshBlock): RefreshAction {
  const [kind, target] = Object.entries(block).find(([, text]) => text !== undefined) ?? ["announce"];
  return {
    kind: kind as RefreshAction["kind"],
    ...(target !== undefined && { target }),
    ...(owner !== undefined && { owner }),
  };
}

function defaultSignals(consumers: Policy["consumers"], facts: ProviderFacts | undefined): Policy["signals"] {
  const hasReports = consumers !== "none" && consumers.some(({ evidence }) => evidence.some(isReporting));
  const reportsUse = facts !== undefined && (facts.capabilities.lastUsed || facts.capabilities.usagePerKey);
  return [...(hasReports ? (["client"] as const) : []), ...(reportsUse ? (["provider"] as const) : [])];
}

function slowestLagMs(signals: Policy["signals"], facts: ProviderFacts | undefined): number {
  const clientMs = signals.includes("client") ? defaults.clientLagMs : 0;
  return Math.max(clientMs, signals.includes("provider") ? (facts?.propagation.usageLagMs ?? 0) : 0);
}

/** A key lives for one interval, and then until the overlap is over. */
function maxAgeMs(expression: string | undefined, overlapMs: number): number {
  const interval = expression === undefined ? undefined : intervalMs(expression);
  return interval === undefined ? defaults.manualMaxAgeMs : interval + overlapMs;
}

// ---- mistakes --------------------------------------------------------------------------------------------

function storeMistakes(
  { arn, store = defaultStore, mode = defaultMode }: SecretBlock,
  { stores }: Surroundings,
): readonly BlockMistake[] {
  const kind = Object.hasOwn(stores, store) ? stores[store] : undefined;
  if (kind === undefined)
    return [{ path: ["store"], message: `store is one of ${Object.keys(stores).join(", ")}` }];
  const wrong = arn === undefined ? undefined : kind.referenceMistake(arn);
  const unfit = isRotated({ mode }) ? whyNotRotateIn(kind.capabilities) : [];
  return [
    ...(wrong === undefined ? [] : [{ path: ["arn"], message: wrong }]),
    ...unfit.map((message) => ({
      path: ["store"],
      message: `${message}; write \`mode: index\` to only watch it`,
    })),
  ];
}

function missingIn(block: SecretBlock, { providers }: Surroundings): readonly BlockMistake[] {
  const mistakes: BlockMistake[] = [];
  if (block.arn === undefined)
    mistakes.push({
      path: ["arn"],
      message: "arn is missing: give the secret's full ARN; `rekey issue` makes a new secret from a template",
    });
  if (block.provider === undefined) {
    mistakes.push({ path: ["provider"], message: "provider is missing: name one of this file" });
  } else if (!providers.has(block.provider)) {
    const meant = nearest(block.provider, [...providers.keys()]);
    const hint =
      meant === undefined
        ? `this file has ${[...providers.keys()].join(", ") || "none"}`
        : `did you mean ${meant}?`;
    mistakes.push({ path: ["provider"], message: `no such provider: ${hint}` });
  }
  if (block.rotate === undefined && isRotated({ mode: block.mode ?? defaultMode })) {
    mistakes.push({ path: ["rotate"], message: "rotate is missing: say when, or `rotate: manual`" });
  }
  const nameless = Array.isArray(block.consumers) ? [...block.consumers.entries()] : [];
  for (const [index, { name, refresh, copies = [] }] of nameless) {
    for (const [at, { to }] of copies.entries())
      if (to === undefined)
        mistakes.push({
          path: ["consumers", index, "copies", at, "to"],
          message: "to is missing: name a destination of stages/<stage>.yml",
        });
    if (name === undefined)
      mistakes.push({
        path: ["consumers", index, "name"],
        message: "name is missing: every consumer has one",
      });
    mistakes.push(
      ...refreshMistakes(refresh).map((message) => ({ path: ["consumers", index, "refresh"], message })),
    );
  }
  return mistakes;
}

function refreshMistakes(refresh: ConsumerBlock["refresh"]): readonly string[] {
  if (refresh === undefined || refresh === "announce") return [];
  const { owner: _owner, ...kinds } = refresh;
  const given = Object.values(kinds).filter((target) => target !== undefined);
  if (given.length !== 1) return ["name exactly one way to refresh"];
  const { webhook } = refresh;
  if (webhook === undefined || (URL.canParse(webhook) && new URL(webhook).protocol === "https:")) return [];
  return ["a webhook is an https address"];
}

/** Used while the provider's own block has a mistake, so that no mistake is reported because of it. */
const ableKind: ProviderFacts = {
  capabilities: {
    shape: { kind: "sideBySide" },
    quarantine: "yes",
    quarantineContains: true,
    revoke: true,
    lastUsed: true,
    usagePerKey: true,
    expiry: true,
  },
  propagation: { activateMs: 0, dieMs: 0, deadProbes: 1, deadWindowMs: 0, probeEveryMs: 1, usageLagMs: 0 },
};

function indexMistakes({ rotate }: SecretBlock): readonly BlockMistake[] {
  if (rotate === undefined || rotate === "manual") return [];
  return [{ path: ["rotate"], message: "mode index only watches the secret: it is never rotated" }];
}

function rotationMistakes(policy: Policy, facts: ProviderFacts | undefined): readonly BlockMistake[] {
  const { overlapMs, quietMs } = policy;
  const mistakes: BlockMistake[] = [];
  mistakes.push(...mistakesIn(policy, facts ?? ableKind).map(humane));
  if (quietMs > 0 && quietMs >= overlapMs) {
    const message = `the overlap of ${durationText(overlapMs)} ends before the quiet window of ${durationText(quietMs)} can`;
    mistakes.push({ path: ["overlap"], message });
  }
  return mistakes;
}

/** Messages of core count in milliseconds; people read durations such as 15m. */
function humane({ path, message }: BlockMistake): BlockMistake {
  return {
    path,
    message: message.replace(/\b(\d{4,})\sms\b/g, (_match, ms: string) => durationText(Number(ms))),
  };
}

function incidentMistakes({ incident }: Policy): readonly BlockMistake[] {
  const limits = [
    ["containBy", incident.containByMs],
    ["escalateAfter", incident.escalateAfterMs],
  ] as const;
  return limits
    .filter(([, ms]) => ms > incidentClockMs)
    .map(([field]) => ({
      path: ["incident", field],
      message: `an incident's key is dead or escalated after ${durationText(incidentClockMs)}: ${field} has to be within that`,
    }));
}
