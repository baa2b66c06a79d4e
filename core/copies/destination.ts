import type { Fingerprint, VersionId } from "../ports.ts";
import type { Refusal } from "../rotation/refusal.ts";
import type { Secret } from "../secret.ts";

/**
 * How what runs comes to use a copy that was written. `live`: it reads the place itself. `restart`: processes read it
 * when they start. `redeploy`: it is baked into a deployment. `next-run`: each run is given it when it begins.
 */
export type Activation = "live" | "restart" | "redeploy" | "next-run";

/** How a place shows that it holds what was written, from the best to nothing. */
export type CopyProof = "read-back" | "digest" | "version" | "updated_at" | "none";

/** The truth about one kind of destination. */
export interface DestinationCapabilities {
  readonly activation: Activation;
  readonly proof: CopyProof;
  /**
   * `native`: the place itself refuses a write when its value is not the one that was seen. `none`: a change between
   * the look and the write is overwritten.
   */
  readonly compareAndSwap: "native" | "none";
  /**
   * `value`: the mark changes with the value under that name only. `place`: with every value there, so a second copy
   * would look like a change of the first one.
   */
  readonly marks: "value" | "place";
}

/** What a place shows under one name. */
export interface CopySeen {
  /** Changes with every write, on the place's own word: a version, a digest or a time. Absent: there is nothing. */
  readonly mark?: string;
  /** What the write compares with, where the place can refuse one that comes too late. */
  readonly guard?: string;
  /** Another tool that says it manages this value. */
  readonly managedBy?: string;
  /** What makes this value unfit to be written, such as also being another environment's. */
  readonly conflict?: string;
  /** When the value was last changed, on the place's own clock; of places that do not show it. */
  readonly changedAtMs?: number;
  /** The time of this look, on the same clock. */
  readonly placeNowMs?: number;
}

export interface CopyText {
  readonly name: string;
  readonly text: Secret;
  readonly versionId: VersionId;
  /** The look that allowed the write. */
  readonly seen: CopySeen;
}

/** A copy that was written, as Rekey remembers it. */
export interface WrittenCopy {
  readonly name: string;
  readonly versionId: VersionId;
  /** The version, and after a second write of it which write: what an earlier one started did not use this one. */
  readonly write: string;
  readonly mark: string;
  /** A time, on Rekey's clock, that is surely after the write. */
  readonly seenAtMs: number;
  /** What `activate` started, by the place's own name for it. */
  readonly started?: string;
}

/** What runs with a copy. */
export interface CopyUse {
  /** `idle`: nothing has begun to use it. `failed`: its activation ended without success, or was rolled back. */
  readonly state: "idle" | "activating" | "active" | "failed";
  readonly detail: string;
  /** Set if nothing but time is missing. */
  readonly remainingMs?: number;
}

export type PlaceRefusal = Refusal<"CredentialRefused" | "WrongPlace">;

/**
 * One place that is given copies. The deployment chooses the place, its token and its environment; a policy names it.
 * Any method may be called again with the same arguments. Each throws ProviderUnavailable or ProviderThrottled if a
 * later try may help, and CopyRefused if it will not.
 */
export interface Destination {
  readonly kind: string;
  /** Whose copies it takes, where the deployment says so. */
  readonly consumers?: readonly string[];
  readonly capabilities: DestinationCapabilities;
  /** What is wrong with a name there; no call is made. */
  whyNotName(name: string): string | undefined;
  /** Asks the place who it is: undefined if the token leads to the place and environment that the deployment names. */
  whyNotHere(): Promise<PlaceRefusal | undefined>;
  look(name: string): Promise<CopySeen>;
  /** Of the value that is there; undefined if there is none, or if the place never shows a value again. */
  read(name: string): Promise<Fingerprint | undefined>;
  /** Answers with the mark of what is there now. The values under other names stay as they are. */
  write(copy: CopyText): Promise<string>;
  /** Starts whatever makes this copy used, once for each write; answers with its name, if the place gives it one. */
  activate(copy: WrittenCopy): Promise<string | undefined>;
  use(copy: WrittenCopy & { readonly nowMs: number }): Promise<CopyUse>;
}

/** What the deployment lists. */
export interface Destinations {
  named(name: string): Destination | undefined;
}
