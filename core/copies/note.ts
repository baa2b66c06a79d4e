import type { Fingerprint, VersionId } from "../ports.ts";
import type { WrittenCopy } from "./destination.ts";

/** Where one copy of a secret's key goes. */
export interface CopyPlace {
  readonly destination: string;
  readonly name: string;
}

/** What Rekey remembers of one copy. */
export interface CopyNote extends CopyPlace {
  /** The last write that was confirmed. */
  readonly written?: {
    readonly versionId: VersionId;
    readonly fingerprint: Fingerprint;
    readonly mark: string;
    /** How often this version was written; absent: once. */
    readonly writes?: number;
    /** Absent until a later step has seen the mark there. */
    readonly seenAtMs?: number;
    readonly started?: string;
    /** Since when every look found it in use. */
    readonly activeSinceMs?: number;
  };
  /** A person ordered to write over what somebody changed there; the next write takes the order up. */
  readonly overwrite?: boolean;
  /** Why the last try to write it was refused. */
  readonly refused?: string;
  /** What the last sweep found wrong with it. */
  readonly astray?: string;
  /** A write that began, and whose end nobody knows if it is still here. */
  readonly writing?: {
    readonly versionId: VersionId;
    readonly fingerprint: Fingerprint;
    /** What it was to replace (`thereNow`); absent: nothing was there. */
    readonly over?: string;
    /** When it began, on the place's own clock. */
    readonly sinceMs?: number;
    /** It failed, and the place was looked at again: `over` is what was there then. */
    readonly isOver?: true;
  };
  /** How many writes have begun. Whoever ends one sees by it whether another one has begun since. */
  readonly begun?: number;
  /** Writes that ended after the last one had begun: their value may be what is there now. */
  readonly late?: readonly (Version & { readonly mark: string })[];
}

export type Version = Readonly<Record<"versionId" | "fingerprint", string>>;

/** A write whose end is unknown reached the place within this time: no function that writes runs for longer. */
export const copyWriteMaxMs = 60_000;

export function noteRefused(note: CopyNote, reason: string | undefined): CopyNote {
  const { refused: _before, ...rest } = note;
  return reason === undefined ? rest : { ...rest, refused: reason };
}

export function noteAstray(note: CopyNote, reason: string | undefined): CopyNote {
  const { astray: _before, ...rest } = note;
  return reason === undefined ? rest : { ...rest, astray: reason };
}

/** A person's order: what is there now may be overwritten, whoever put it there. */
export function noteOverwrite(note: CopyNote): CopyNote {
  return { ...note, overwrite: true };
}

/**
 * How often the same version is activated again because its mark changed. A tool that saves the value every minute
 * must not cause a deployment every minute.
 */
const startsMax = 5;

/**
 * The same value was written again under another mark: a write of Rekey's ended late, somebody saved it unchanged, or
 * edited a field beside it. What the write before had started may be older than this mark, and then it proves nothing:
 * it has to be started once more.
 */
export function noteMark(note: CopyNote, mark: string): CopyNote {
  const { written } = note;
  if (written === undefined || written.mark === mark) return note;
  const { started: _before, seenAtMs: _earlier, writes = 1, ...rest } = written;
  if (writes >= startsMax) return { ...note, written: { ...written, mark } };
  return { ...note, written: { ...rest, mark, writes: writes + 1 } };
}

export function noteStarted(note: CopyNote, started: string | undefined): CopyNote {
  if (note.written === undefined || started === undefined) return note;
  return { ...note, written: { ...note.written, started } };
}

/** The first time that is surely after the write. */
export function noteSeen(note: CopyNote, nowMs: number): CopyNote {
  if (note.written === undefined || note.written.seenAtMs !== undefined) return note;
  return { ...note, written: { ...note.written, seenAtMs: nowMs } };
}

export function noteUse(note: CopyNote, { isActive, nowMs }: { isActive: boolean; nowMs: number }): CopyNote {
  if (note.written === undefined) return note;
  const { activeSinceMs = nowMs, ...written } = note.written;
  return { ...note, written: isActive ? { ...written, activeSinceMs } : written };
}

export function writtenCopy({ name, written }: CopyNote, nowMs: number): WrittenCopy | undefined {
  if (written === undefined) return undefined;
  const { versionId, mark, writes = 1, seenAtMs = nowMs, started } = written;
  const write = writes === 1 ? versionId : `${versionId}-${writes}`;
  return { name, versionId, write, mark, seenAtMs, ...(started !== undefined && { started }) };
}
