import type { Policy } from "../policy.ts";
import type { Fingerprint, KeyId, SecretArn, VersionId } from "../ports.ts";
import type { CountedProbe, DeathWatch } from "../rotation/death.ts";
import { afterProbe } from "../rotation/death.ts";
import type { IssueOrder, IssueTemplate } from "./template.ts";

/**
 * One secret that Rekey made, or that it is ending, from the order to its key's proven death. Written before each call,
 * so that whoever finds it after a crash knows what may exist.
 *
 * `intended`: a key and a secret of its names may exist. `made`: the secret holds the key, and no policy looks after it
 * yet. `issued`: its policy does. `undoing`, `undone`: it was never issued, and its keys are ended. `ending`, `ended`:
 * its keys are revoked, and then proven dead.
 */
export type IssueState = "intended" | "made" | "issued" | "undoing" | "undone" | "ending" | "ended";

export interface Issued {
  /** The secret's name in its policy. One record for each name: a name is free again when its record has ended. */
  readonly name: string;
  /** The run's part of its keys' names at the provider: `rekey/<id>/<attempt>`. */
  readonly id: string;
  readonly state: IssueState;
  readonly template?: string;
  readonly secretName?: string;
  readonly by: string;
  readonly atMs: number;
  readonly endsAtMs?: number;
  /** The policy that says how to reach the provider. */
  readonly policy: Policy;
  readonly attempt: number;
  readonly claimedAtMs?: number;
  readonly made?: MadeSecret;
  readonly ending?: Ending;
}

export interface MadeSecret {
  readonly secretArn: SecretArn;
  readonly keyId: KeyId;
  readonly versionId: VersionId;
}

export interface Ending {
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
  readonly keys: readonly EndingKey[];
  readonly paged?: true;
}

export interface EndingKey {
  readonly keyId: KeyId;
  /** Where its text is, for the proof; absent: its death shows in the listing alone. */
  readonly versionId?: VersionId;
  readonly fingerprint?: Fingerprint;
  readonly revokedAtMs?: number;
  readonly death?: DeathWatch;
  readonly deadAtMs?: number;
}

/** Longer than any function that makes a key can be at work. */
export const attemptMs = 60_000;
/** An order that nobody repeated is undone after this. */
export const undoAfterMs = 20 * 60_000;

export function intended(
  order: IssueOrder &
    Pick<Issued, "id" | "by" | "policy"> & { readonly secretName: string; readonly endsAtMs?: number },
  template: IssueTemplate,
): Issued {
  const { name, id, by, atMs, policy, secretName, endsAtMs } = order;
  return {
    ...{ name, id, by, atMs, policy, secretName, template: template.name, state: "intended", attempt: 0 },
    ...(endsAtMs !== undefined && { endsAtMs }),
  };
}

/** True once nothing of the record is open: its name may be issued again. */
export function isOver({ state }: Pick<Issued, "state">): boolean {
  return state === "undone" || state === "ended";
}

/** The next attempt to make the key; unchanged while another one may be at work. */
export function claimIssue(issued: Issued, nowMs: number): Issued {
  if (issued.state !== "intended") return issued;
  if (issued.claimedAtMs !== undefined && nowMs - issued.claimedAtMs < attemptMs) return issued;
  return { ...issued, attempt: issued.attempt + 1, claimedAtMs: nowMs };
}

/** Only the attempt that is the last one may say what it made. */
export function markMade(issued: Issued, made: MadeSecret, attempt: number): Issued {
  return issued.state === "intended" && issued.attempt === attempt
    ? { ...issued, state: "made", made }
    : issued;
}

export function markIssued(issued: Issued): Issued {
  return issued.state === "made" ? { ...issued, state: "issued" } : issued;
}

/** True for an order that was not carried through, and that nobody has repeated for a long time. */
export function isLeftOver({ state, atMs, claimedAtMs = atMs }: Issued, nowMs: number): boolean {
  return (
    state === "undoing" || ((state === "intended" || state === "made") && nowMs - claimedAtMs >= undoAfterMs)
  );
}

export function markUndoing(issued: Issued, nowMs: number): Issued {
  return isLeftOver(issued, nowMs) ? { ...issued, state: "undoing" } : issued;
}

export function isDue({ state, endsAtMs }: Issued, nowMs: number): boolean {
  return state === "issued" && endsAtMs !== undefined && endsAtMs <= nowMs;
}

/** Named before the first call, so that whoever goes on after a crash ends the same keys. */
export function beginEnding(issued: Issued, ending: Ending): Issued {
  return issued.state === "ending" || issued.state === "ended"
    ? issued
    : { ...issued, state: "ending", ending };
}

export function changeEndingKey(issued: Issued, keyId: KeyId, change: (key: EndingKey) => EndingKey): Issued {
  const { ending } = issued;
  if (ending === undefined) return issued;
  return {
    ...issued,
    ending: { ...ending, keys: ending.keys.map((key) => (key.keyId === keyId ? change(key) : key)) },
  };
}

export function probed(key: EndingKey, one: CountedProbe): EndingKey {
  const { death: _before, ...rest } = key;
  const death = afterProbe(key.death, one);
  return death === undefined ? rest : { ...rest, death };
}

export function markEnded(issued: Issued): Issued {
  const isDead = issued.ending?.keys.every(({ deadAtMs }) => deadAtMs !== undefined) === true;
  return issued.state === "ending" && isDead ? { ...issued, state: "ended" } : issued;
}
