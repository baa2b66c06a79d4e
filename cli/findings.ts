import type { Evidence } from "../core/adoption/evidence.ts";
import { findings } from "../core/doctor.ts";
import { durationText, roughDuration } from "../core/duration.ts";
import { isRotated, type Policy } from "../core/policy.ts";
import { currentKey, type SecretRecord } from "../core/rotation/secret-record.ts";
import type { StopOrder } from "../core/rotation/stop-order.ts";
import { type Schedule, scheduleFault, scheduleFaultText } from "../core/schedule.ts";
import type { ExaminedKey, ExaminedProvider, RefusedSecret } from "../functions/admin/examine.ts";
import { type KitEntry, kitAgeMaxMs } from "../functions/sealed-kit/entries.ts";
import type { Debt } from "../ledger/entries.ts";
import { issuerOf } from "../providers/index.ts";

/** Something that `rekey doctor` found. An `advice` is not a problem: it does not change the exit code. */
export interface Finding {
  readonly severity: "problem" | "advice";
  readonly about: string;
  readonly message: string;
  readonly hint: string;
}

/** What the admin function found; undefined if it could not be asked. */
export interface Examination {
  readonly providers: readonly ExaminedProvider[];
  readonly keys: readonly ExaminedKey[];
  /** Absent from a deployment that is older than this command. */
  readonly refused?: readonly RefusedSecret[];
  /** Secrets that Secrets Manager rotates by a schedule of its own; absent from an older deployment. */
  readonly native?: readonly string[];
  readonly schedules: readonly Pick<
    Schedule,
    "name" | "secretArn" | "expression" | "timezone" | "isPaused"
  >[];
}

export interface SecretView {
  readonly policy: Policy;
  readonly record: SecretRecord;
  readonly evidence: readonly Evidence[];
  /** When the ledger first saw the current key. The key may be older. */
  readonly keySinceMs?: number;
}

export interface DoctorView {
  readonly nowMs: number;
  readonly secrets: readonly SecretView[];
  readonly debts: readonly Debt[];
  readonly stops: readonly StopOrder[];
  readonly examination: Examination | undefined;
  /** The newest sealed kit, if one was ever made. */
  readonly kit: Pick<KitEntry, "kitId" | "exportedAtMs"> | undefined;
}

export function findingsIn(view: DoctorView): readonly Finding[] {
  return [
    ...view.secrets.flatMap((secret) => [
      ...schedule(secret, view),
      ...twoSchedulers(secret, view),
      ...consumersOf(secret, view),
      ...age(secret, view),
      ...reach(secret, view),
      ...hands(secret),
    ]),
    ...debts(view),
    ...providers(view),
    ...stopsIn(view),
    ...kitOf(view),
    ...scopesOf(view),
    ...keyless(view),
  ];
}

function problem(about: string, message: string, hint: string): Finding {
  return { severity: "problem", about, message, hint };
}

function schedule({ policy }: SecretView, { examination }: DoctorView): readonly Finding[] {
  const fault = examination && scheduleFault(policy, examination.schedules);
  if (fault === undefined) return [];
  const hint =
    fault === "paused"
      ? "enable it again in EventBridge Scheduler, or write `rotate: manual`; `rekey apply` leaves a pause as it is"
      : "run `rekey apply`";
  return [problem(policy.name, scheduleFaultText[fault], hint)];
}

/** Two schedulers of one secret rotate it twice as often as anybody meant. */
function twoSchedulers({ policy }: SecretView, { examination }: DoctorView): readonly Finding[] {
  const { name, secretArn, schedule: own } = policy;
  if (own === undefined || examination?.native?.includes(secretArn) !== true) return [];
  const hint = `write \`rotate: manual\` in rekey.yml and apply, or: aws secretsmanager cancel-rotate-secret --secret-id ${secretArn}`;
  return [problem(name, `it has two schedulers: Rekey (${own}) and Secrets Manager`, hint)];
}

/** Differences between the consumers that the policy declares and those that the evidence shows. */
function consumersOf({ policy, evidence }: SecretView, { nowMs }: DoctorView): readonly Finding[] {
  const { name, secretArn } = policy;
  return findings({ policies: [policy], evidence: new Map([[secretArn, evidence]]), nowMs }).map(
    ({ detail, hint }) => problem(name, detail, hint),
  );
}

function age(secret: SecretView, { nowMs, examination }: DoctorView): readonly Finding[] {
  const { policy, record, keySinceMs } = secret;
  const { name, secretArn, maxAgeMs } = policy;
  if (!isRotated(policy)) return [];
  const keyId = currentKey(record)?.keyId;
  if (keyId === undefined)
    return [problem(name, "its current key is not known", "run `rekey apply` and read what it says")];
  const examined = examination?.keys.find((key) => key.secretArn === secretArn);
  if (examined?.listed === false) {
    return [
      problem(
        name,
        `the provider does not list its current key ${keyId}`,
        `see \`rekey status ${name}\` and the provider's console`,
      ),
    ];
  }
  const sinceMs = examined?.createdAtMs ?? keySinceMs;
  if (sinceMs === undefined || nowMs - sinceMs <= maxAgeMs) return [];
  const message = `key ${keyId} is ${roughDuration(nowMs - sinceMs)} old, and its policy allows ${durationText(maxAgeMs)}`;
  return [
    problem(
      name,
      message,
      `see why with \`rekey watch ${name}\`, or start one with \`rekey rotate ${name}\``,
    ),
  ];
}

/** Rekey is denied every secret and workload without the tag of its environment, whatever else allows it. */
function reach({ policy }: SecretView, { examination }: DoctorView): readonly Finding[] {
  const { name, secretArn, environment } = policy;
  const refused = examination?.refused?.find((each) => each.secretArn === secretArn);
  if (refused === undefined) return [];
  const hint = `where it has no such tag: aws secretsmanager tag-resource --secret-id ${secretArn} --tags Key=Environment,Value=${environment}`;
  return [problem(name, `Rekey cannot reach it: ${refused.reason}`, hint)];
}

function hands({ policy, record }: SecretView): readonly Finding[] {
  const { name } = policy;
  const { frozen, hold } = record;
  return [
    ...(frozen
      ? [problem(name, `frozen: ${frozen.reason}`, `put it right, then \`rekey release ${name} --unfreeze\``)]
      : []),
    ...(hold
      ? [problem(name, `held by ${hold.by}: ${hold.reason}`, `lift it with \`rekey release ${name}\``)]
      : []),
  ];
}

function debts({ debts: owed, secrets, nowMs }: DoctorView): readonly Finding[] {
  return owed.map(({ secretArn, kind, keyId, reason, sinceMs }) => {
    const name = secrets.find(({ policy }) => policy.secretArn === secretArn)?.policy.name ?? secretArn;
    const message = `${kind} of ${keyId} for ${roughDuration(nowMs - sinceMs)}: ${reason}`;
    return problem(
      name,
      message,
      kind === "CertificateOwed"
        ? "the sweep tries again by itself; see its log, and `rekey audit verify`"
        : `see who is behind with \`rekey consumers ${name}\`; the next rotation goes on from there`,
    );
  });
}

function providers({ examination }: DoctorView): readonly Finding[] {
  const failing = examination?.providers.filter(({ ok }) => !ok) ?? [];
  return failing.map(({ account, error, reason }) =>
    problem(
      account,
      `${error}: ${reason}`,
      "put a working admin credential into its secret; nothing else has to change",
    ),
  );
}

function stopsIn({ stops }: DoctorView): readonly Finding[] {
  return stops.map(({ scope, by, reason }) =>
    problem(scope, `stopped by ${by}: ${reason}`, "lift it with `rekey resume` when it is over"),
  );
}

/** A kit is for the day when this Region is down: it ends no key that came after it. */
function kitOf({ kit, nowMs }: DoctorView): readonly Finding[] {
  if (kit === undefined || nowMs - kit.exportedAtMs <= kitAgeMaxMs) return [];
  const message = `${kit.kitId} is ${roughDuration(nowMs - kit.exportedAtMs)} old, and one is due each day`;
  const hint =
    "make one with `rekey kit export --to <file>`; the log of export-kit says why no other was made";
  return [problem("sealed kit", message, hint)];
}

/** No provider that Rekey knows reports use by scope or by endpoint: so which scopes are too many is not known. */
function scopesOf({ secrets }: DoctorView): readonly Finding[] {
  const kinds = new Set(secrets.map(({ policy }) => policy.provider.kind));
  return [...kinds].flatMap((kind): readonly Finding[] => {
    if (issuerOf(kind)?.unscopedDoesAll !== true) return [];
    const own = secrets.filter(({ policy }) => policy.provider.kind === kind && isRotated(policy));
    const wide = own.filter(({ policy }) => policy.scopes === undefined).map(({ policy }) => policy.name);
    if (wide.length === 0) return [];
    const shown = wide.slice(0, namesMax).join(", ");
    const more = wide.length > namesMax ? ` and ${wide.length - namesMax} more` : "";
    const message = `no scopes are declared for ${shown}${more}: their keys may do everything. Which scopes were ever used is not known: no use by scope is reported`;
    const hint = "write `scopes` with what their consumers need; the next rotation makes the narrower key";
    return [{ severity: "advice", about: kind, message, hint }];
  });
}

const namesMax = 5;

function keyless({ secrets }: DoctorView): readonly Finding[] {
  const kinds = new Set(secrets.map(({ policy }) => policy.provider.kind));
  return [...kinds].flatMap((kind) => {
    const address = issuerOf(kind)?.keyless;
    if (address === undefined) return [];
    const count = secrets.filter(({ policy }) => policy.provider.kind === kind).length;
    const message = `${count} of its keys may need no rotation: it takes a workload's own identity instead of a key`;
    return [
      {
        severity: "advice",
        about: kind,
        message,
        hint: `the best rotation is none: ${address} and docs/federated.md`,
      } as const,
    ];
  });
}
