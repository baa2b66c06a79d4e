import { type ChangeWindows, type FreezePeriod, longestClosedMs } from "./calendar.ts";
import { copyMistakes } from "./copies/policy-checks.ts";
import type { PropagationProfile, ProviderCapabilities, SecretArn } from "./ports.ts";
import type { Budgeted } from "./provider-account.ts";

/** The kinds of evidence of a consumer. Each is one file in `consumers/` and one branch of the adoption rule. */
export type EvidenceKind = ReportingKind | "kms" | "ecs" | "lambda" | "kubernetes" | "attestation" | "copy";

/** Programs that report on the bus which key they hold. */
export const reportingKinds = ["client", "extension", "agent", "exec"] as const;
export type ReportingKind = (typeof reportingKinds)[number];

export function isReporting(kind: string): kind is ReportingKind {
  return (reportingKinds as readonly string[]).includes(kind);
}

/** `rekey exec` knows which key it started a program with, and never whether the program used it. */
export const reportsUse = (kind: EvidenceKind): boolean => isReporting(kind) && kind !== "exec";

/** What to do to a consumer so that it picks up the incoming key. */
export interface RefreshAction {
  readonly kind:
    | "announce"
    | "ecs-deployment"
    | "lambda-recycle"
    | "kubernetes-restart"
    | "kubernetes-sync"
    | "webhook"
    | "sqs"
    | "manual";
  /** ARN, URL or name of what is refreshed; absent for `announce`. */
  readonly target?: string;
  readonly owner?: string;
}

/** One copy of the key, under the consumer's own name. */
export interface CopyPolicy {
  /** The destination, as the deployment names it. */
  readonly to: string;
  /** What the consumer calls the value there. */
  readonly as: string;
  /** What is written instead of the key alone: this text, with the key in the place of `{key}`. */
  readonly text?: string;
  /** A value that is there already and that Rekey did not write may be overwritten. */
  readonly takeOver?: boolean;
}

export interface ConsumerPolicy {
  readonly name: string;
  readonly environment: string;
  readonly account: string;
  /** Evidence of every kind in this list is required. */
  readonly evidence: readonly EvidenceKind[];
  /** An instance fetches the key again at least this often. */
  readonly maxStaleMs: number;
  /** How often a batch consumer runs; without it, zero live instances is unknown and not adopted. */
  readonly cadenceMs?: number;
  readonly demandUse: boolean;
  readonly refresh: RefreshAction;
  /** Roles whose reads count as this consumer's (for `kms`). */
  readonly roles?: readonly string[];
  /** The repositories of its code: if one of these leaks, every key that the consumer uses counts as leaked. */
  readonly repositories?: readonly string[];
  /** Where this consumer reads the key from, if not from the secret itself. */
  readonly copies?: readonly CopyPolicy[];
  /** How many of its instances under `rekey exec` may be down at once; absent: one. */
  readonly restartsAtOnce?: number;
  /** What runs it, for `ecs`, `lambda` and `kubernetes`; if absent, the target of its refresh. */
  readonly workload?: string;
}

export function isOnlyRestarted({ evidence, copies = [] }: ConsumerPolicy): boolean {
  return copies.length === 0 && evidence.length > 0 && evidence.every(isOfPlatform);
}

const isOfPlatform = (kind: EvidenceKind) => kind === "ecs" || kind === "lambda" || kind === "kubernetes";

/** Signals that show whether the retiring key is still used. */
export type UseSignal = "client" | "provider";

export interface ProviderPolicy extends Budgeted {
  /** The name of the account or project in `rekey.yml`. */
  readonly account: string;
  readonly kind: string;
  /** Absent where Rekey's own role makes and deletes the keys. */
  readonly adminCredential?: SecretArn;
  readonly settings: Readonly<Record<string, unknown>>;
}

/**
 * `index`: the secret is only watched for leaks. `observe`: it is watched, and Rekey says each day whether a rotation
 * would have got to its revoke. Only under `rotate` is anything made, moved or revoked.
 */
export const modes = ["index", "observe", "rotate"] as const;
export type Mode = (typeof modes)[number];

/** False for a secret that is only watched: it gets no schedule, and no run opens on it. */
export function isRotated({ mode }: { readonly mode: Mode }): boolean {
  return mode === "rotate";
}

/** What the operator declared for one secret, checked and with every default filled in. */
export interface Policy {
  readonly secretArn: SecretArn;
  readonly name: string;
  readonly environment: string;
  /** The team or person who answers for the secret, and who is told what happens to it. */
  readonly owner?: string;
  /** The name of the policy file that declares it: applying another one never changes or removes it. */
  readonly file?: string;
  /** The JSON field that holds the key; absent for a bare string. */
  readonly field?: string;
  readonly mode: Mode;
  readonly provider: ProviderPolicy;
  /** Set by the operator if no hint shows which of the provider's keys is the current one. */
  readonly currentKeyId?: string;
  /** Rekey made it, from the template of this name. */
  readonly issued?: { readonly template: string; readonly endsAtMs?: number };
  readonly scopes?: readonly string[];
  readonly consumers: readonly ConsumerPolicy[] | "none";
  /** The secret holds a credential that Rekey itself works with: `consumers: rekey`. Nobody else may read it. */
  readonly isAdminCredential?: true;
  /** Repositories that hold this key: if one of them leaks, the key counts as leaked. */
  readonly repositories?: readonly string[];
  readonly signals: readonly UseSignal[];
  /** Which reports may testify that a consumer holds the incoming key. Absent: `signed`, those of who holds it. */
  readonly reports?: "signed" | "any";
  readonly schedule?: string;
  readonly scheduleTimezone?: string;
  readonly maxAgeMs: number;
  readonly quietMs: number;
  /** From the promotion until the rotation is overdue. The retiring key stays alive even then. */
  readonly overlapMs: number;
  readonly soakMs: number;
  readonly retain: boolean;
  /** The key is made to be seen by everybody: it may be copied under a name that ends up in a browser. */
  readonly publishable?: boolean;
  /** Before this step somebody other than who asked for the rotation has to approve it. */
  readonly approve?: "before-promote" | "before-revoke";
  /** Promotions and revokes are made only in these hours. */
  readonly windows?: ChangeWindows;
  readonly classification?: "restricted";
  /** Roles that may read the secret, beside those of its consumers. */
  readonly readers?: readonly string[];
  readonly readHours?: ChangeWindows;
  /** No promotion and no revoke in these periods. */
  readonly freeze?: readonly FreezePeriod[];
  /** `<environment>/<name>` of a secret that has to be rotated first. */
  readonly after?: string;
  readonly incident: {
    readonly plan?: "contain-first" | "switch-first";
    /** Under switch-first, how long containment waits for consumers. */
    readonly containByMs: number;
    readonly escalateAfterMs: number;
  };
}

export interface ProviderFacts {
  readonly capabilities: ProviderCapabilities;
  readonly propagation: PropagationProfile;
  readonly callsPerRotation?: number;
}

export interface PolicyMistake {
  /** Path inside the secret's block, for line and column. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

type PolicyCheck = (policy: Policy, facts: ProviderFacts) => readonly PolicyMistake[];

const policyChecks: readonly PolicyCheck[] = [
  shapeCanRotate,
  graceCoversOverlap,
  consumersAreDeclared,
  consumerNamesDiffer,
  overlapCoversCaches,
  overlapCoversCadences,
  overlapEndsInTime,
  quietCoversLag,
  signalsExist,
  evidenceCanArrive,
  useCanBeSeen,
  overlapCoversWindows,
  afterIsAnother,
  copyMistakes,
];

/** Returns every mistake at once, so that a person can correct them together. */
export function mistakesIn(policy: Policy, facts: ProviderFacts): readonly PolicyMistake[] {
  return policyChecks.flatMap((check) => check(policy, facts));
}

/** A secret that is only watched needs no key to be made. */
function shapeCanRotate(policy: Policy, { capabilities }: ProviderFacts): readonly PolicyMistake[] {
  if (!isRotated(policy)) return [];
  const { provider } = policy;
  const { kind } = capabilities.shape;
  if (kind === "assisted" && !capabilities.revoke) {
    const why = "no API shows or ends its keys, so a rotation could not prove which one is dead";
    return [{ path: ["provider"], message: `${provider.account}: ${why}: use \`mode: index\`` }];
  }
  const whyNot = {
    inPlace:
      "a new key ends the one in use at once, so it cannot be rotated without an outage: use `mode: index`",
    federated: "there is no key to rotate: its consumers get short-lived credentials of their own",
  };
  if (kind !== "inPlace" && kind !== "federated") return [];
  return [{ path: ["provider"], message: `${provider.account}: ${whyNot[kind]}` }];
}

/** With such an issuer the retiring key dies at a time of its own, whatever the consumers still use. */
function graceCoversOverlap(
  { overlapMs }: Policy,
  { capabilities }: ProviderFacts,
): readonly PolicyMistake[] {
  const { shape } = capabilities;
  if (shape.kind !== "rotateWithGrace" || overlapMs <= shape.graceMs) return [];
  const message = `the retiring key dies by itself after ${shape.graceMs} ms, before the overlap of ${overlapMs} ms is over`;
  return [{ path: ["overlap"], message }];
}

/** An empty list does not mean that nothing uses the key (S7). Checked when a run opens, and again at its gate. */
export function areConsumersUnknown({ consumers }: Pick<Policy, "consumers">): boolean {
  return consumers !== "none" && consumers.length === 0;
}

/** To observe a secret is how its consumers are found out. */
function consumersAreDeclared(policy: Policy): readonly PolicyMistake[] {
  if (!areConsumersUnknown(policy) || policy.mode === "observe") return [];
  return [
    {
      path: ["consumers"],
      message: "no consumers: name them, or say `consumers: none` if nothing uses the key",
    },
  ];
}

function consumerNamesDiffer({ consumers }: Policy): readonly PolicyMistake[] {
  if (consumers === "none") return [];
  const seen = new Set<string>();
  const mistakes: PolicyMistake[] = [];
  for (const [index, { name, environment }] of consumers.entries()) {
    const id = `${environment}/${name}`;
    if (seen.has(id)) {
      mistakes.push({ path: ["consumers", index, "name"], message: `consumer ${id} is declared twice` });
    }
    seen.add(id);
  }
  return mistakes;
}

/** A machine lives for 1,900,000 s (statemachines/rotation.asl.json); a day is left for what comes before and after. */
const overlapMaxMs = 1_900_000_000 - 24 * 3_600_000;

/** A run that takes longer than its machine may live is cut off while it waits, and never revokes its key. */
function overlapEndsInTime({ overlapMs }: Policy): readonly PolicyMistake[] {
  if (overlapMs <= overlapMaxMs) return [];
  const days = Math.floor(overlapMaxMs / (24 * 3_600_000));
  return [
    { path: ["overlap"], message: `one rotation lives for at most ${days} days: make the overlap shorter` },
  ];
}

function overlapCoversCaches({ consumers, overlapMs }: Policy): readonly PolicyMistake[] {
  if (consumers === "none") return [];
  return consumers.flatMap(({ name, maxStaleMs }, index) =>
    maxStaleMs <= overlapMs
      ? []
      : [
          {
            path: ["consumers", index, "maxStale"],
            message: `${name} may use a key for ${maxStaleMs} ms without asking, longer than the overlap of ${overlapMs} ms`,
          },
        ],
  );
}

function overlapCoversCadences({ consumers, overlapMs }: Policy): readonly PolicyMistake[] {
  if (consumers === "none") return [];
  return consumers.flatMap(({ name, cadenceMs }, index) =>
    cadenceMs === undefined || cadenceMs <= overlapMs
      ? []
      : [
          {
            path: ["consumers", index, "cadence"],
            message: `${name} runs every ${cadenceMs} ms, so it cannot be seen within the overlap of ${overlapMs} ms`,
          },
        ],
  );
}

/** If a signal is later than the quiet window, it would call a key quiet that is in use (S8). */
function quietCoversLag(
  { quietMs, signals }: Policy,
  { propagation }: ProviderFacts,
): readonly PolicyMistake[] {
  if (!signals.includes("provider") || quietMs >= propagation.usageLagMs) return [];
  return [
    {
      path: ["quiet"],
      message: `the provider's usage is up to ${propagation.usageLagMs} ms late: quiet must be at least that`,
    },
  ];
}

function signalsExist(
  { signals, consumers, mode }: Policy,
  { capabilities }: ProviderFacts,
): readonly PolicyMistake[] {
  const mistakes: PolicyMistake[] = [];
  if (signals.includes("provider") && !capabilities.lastUsed && !capabilities.usagePerKey) {
    mistakes.push({ path: ["signals"], message: "this provider reports no use of a key: drop `provider`" });
  }
  if (signals.length === 0 && consumers !== "none" && mode !== "observe") {
    mistakes.push({ path: ["signals"], message: "no signal would say that the retiring key is unused" });
  }
  return mistakes;
}

/** The revoke waits for an open window, and the rotation would be overdue before one opens. */
function overlapCoversWindows({ windows, quietMs, overlapMs }: Policy): readonly PolicyMistake[] {
  if (windows === undefined) return [];
  const closedMs = longestClosedMs(windows);
  if (closedMs + quietMs < overlapMs) return [];
  const message = `the change windows stay closed for ${closedMs} ms at a stretch: the overlap of ${overlapMs} ms has to be longer than that and quiet`;
  return [{ path: ["overlap"], message }];
}

function afterIsAnother({ after, environment, name }: Policy): readonly PolicyMistake[] {
  if (after !== `${environment}/${name}`) return [];
  return [{ path: ["after"], message: "a secret cannot wait for itself" }];
}

// ---- evidence that somebody has to be asked for ----------------------------------------------------------

export type Platform = Extract<EvidenceKind, "ecs" | "lambda" | "kubernetes">;

const platforms: readonly Platform[] = ["ecs", "lambda", "kubernetes"];

const platformOf: Readonly<Partial<Record<RefreshAction["kind"], Platform>>> = {
  "ecs-deployment": "ecs",
  "lambda-recycle": "lambda",
  "kubernetes-restart": "kubernetes",
  "kubernetes-sync": "kubernetes",
};

/** A consumer's workloads in the order of their replacement: a Kubernetes secret is synced before its pods restart. */
export function workloadsOf({ workload, refresh }: ConsumerPolicy, platform: Platform): readonly string[] {
  const refreshed = platformOf[refresh.kind] === platform ? refresh.target : undefined;
  const all =
    refresh.kind === "kubernetes-sync" || workload === undefined ? [refreshed, workload] : [workload];
  return [...new Set(all)].filter((each) => each !== undefined);
}

/** Evidence that no source can give would keep the retiring key alive forever. */
function evidenceCanArrive({ consumers }: Policy): readonly PolicyMistake[] {
  if (consumers === "none") return [];
  return consumers.flatMap((consumer, index) => [
    ...platforms
      .filter((platform) => consumer.evidence.includes(platform))
      .flatMap((platform) => workloadMistakes({ consumer, platform, index })),
    ...(consumer.evidence.includes("kms") && (consumer.roles ?? []).length === 0
      ? [{ path: ["consumers", index, "roles"], message: `kms evidence needs the roles of ${consumer.name}` }]
      : []),
  ]);
}

function workloadMistakes(question: {
  readonly consumer: ConsumerPolicy;
  readonly platform: Platform;
  readonly index: number;
}): readonly PolicyMistake[] {
  const { consumer, platform, index } = question;
  const path = ["consumers", index, "workload"];
  const workloads = workloadsOf(consumer, platform);
  if (workloads.length === 0)
    return [{ path, message: `${platform} evidence needs what runs ${consumer.name}` }];
  if (platform === "kubernetes") return [];
  return workloads
    .filter((arn) => arn.split(":")[4] !== consumer.account)
    .map((arn) => ({
      path,
      message: `${arn} is not in the account ${consumer.account} of ${consumer.name}`,
    }));
}

function useCanBeSeen({ consumers, signals }: Policy): readonly PolicyMistake[] {
  if (consumers === "none" || signals.includes("provider")) return [];
  return consumers.flatMap(({ name, demandUse, evidence }, index) =>
    !demandUse || evidence.some(reportsUse)
      ? []
      : [
          {
            path: ["consumers", index, "demandUse"],
            message: `nothing would see ${name} use the incoming key: add client evidence or the provider signal`,
          },
        ],
  );
}
