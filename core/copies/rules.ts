import type { CopyPolicy } from "../policy.ts";
import type { Fingerprint, VersionId } from "../ports.ts";
import type { Refusal } from "../rotation/refusal.ts";
import type { CopySeen, PlaceRefusal } from "./destination.ts";
import { type CopyNote, copyWriteMaxMs } from "./note.ts";

/** What was found where a copy belongs, and what Rekey knows about it. */
export interface CopyView {
  readonly copy: CopyPolicy;
  readonly note: CopyNote | undefined;
  /** What is wrong with the name there. */
  readonly nameMistake: string | undefined;
  readonly place: PlaceRefusal | undefined;
  readonly seen: CopySeen;
  /** Of the value that is there, where it can be read. */
  readonly found: Fingerprint | undefined;
  /** Keys of this secret: where somebody copied one by hand, nothing of theirs is lost. */
  readonly own: readonly Fingerprint[];
}

export type CopyReason =
  | "NameRefused"
  | PlaceRefusal["reason"]
  | "ManagedElsewhere"
  | "CopyConflict"
  | "CopyChanged"
  | "CopyExists";

type Check = (view: CopyView) => Refusal<CopyReason> | undefined;

const checks: readonly Check[] = [
  nameIsTaken,
  placeIsRight,
  nobodyElseManagesIt,
  isFit,
  nobodyChangedIt,
  isOursToWrite,
];

/** Asked before a key is minted and again just before each write; the first answer wins. */
export function whyNotWrite(view: CopyView): Refusal<CopyReason> | undefined {
  for (const check of checks) {
    const refusal = check(view);
    if (refusal) return refusal;
  }
  return undefined;
}

function nameIsTaken({ nameMistake, copy }: CopyView): Refusal<"NameRefused"> | undefined {
  return nameMistake === undefined
    ? undefined
    : { reason: "NameRefused", detail: `${copy.to} takes no value called ${copy.as}: ${nameMistake}` };
}

function placeIsRight({ place }: CopyView): PlaceRefusal | undefined {
  return place;
}

function nobodyElseManagesIt({ copy, seen }: CopyView): Refusal<"ManagedElsewhere"> | undefined {
  if (seen.managedBy === undefined) return undefined;
  return {
    reason: "ManagedElsewhere",
    detail: `${placeText(copy)} is managed by ${seen.managedBy}, which would overwrite it`,
  };
}

function isFit({ copy, seen }: CopyView): Refusal<"CopyConflict"> | undefined {
  return seen.conflict === undefined
    ? undefined
    : { reason: "CopyConflict", detail: `${placeText(copy)}: ${seen.conflict}` };
}

function nobodyChangedIt(view: CopyView): Refusal<"CopyChanged"> | undefined {
  const { copy, note, seen } = view;
  if (!wasTouched(note) || note?.overwrite === true) return undefined;
  if (isAsNoted(view) || isHalfWritten(view) || isAsBegun(view) || isOwn(view)) return undefined;
  const what = seen.mark === undefined ? "removed" : "changed";
  return { reason: "CopyChanged", detail: `${placeText(copy)} was ${what} outside Rekey` };
}

function isOursToWrite(view: CopyView): Refusal<"CopyExists"> | undefined {
  const { copy, note, seen } = view;
  if (seen.mark === undefined || wasTouched(note) || isOwn(view)) return undefined;
  if (copy.takeOver === true || note?.overwrite === true) return undefined;
  const detail = `${placeText(copy)} exists and Rekey did not write it: give the copy another name, or say \`takeOver: true\``;
  return { reason: "CopyExists", detail };
}

/** Rekey wrote there, or began to: `takeOver` was about what was there before. */
function wasTouched(note: CopyNote | undefined): boolean {
  return note?.written !== undefined || note?.writing !== undefined;
}

function isOwn({ found, own }: CopyView): boolean {
  return found !== undefined && own.includes(found);
}

type Found = Pick<CopyView, "note" | "seen" | "found">;

/** The value's fingerprint, or the place's own mark of it where it is never shown; undefined if there is none. */
export function thereNow({ seen, found }: Pick<CopyView, "seen" | "found">): string | undefined {
  return found ?? seen.mark;
}

/** A write that never ended changed nothing: what it was to replace is still there. */
function isAsBegun({ note, ...there }: Found): boolean {
  return note?.writing !== undefined && note.writing.over === thereNow(there);
}

/** What is there is what Rekey wrote last, or what a write of Rekey's that never ended may have left. */
export function isAsNoted(view: Found): boolean {
  const { note, seen, found } = view;
  if (note?.written === undefined || seen.mark === undefined) return false;
  if (isMarked(note, seen.mark) || found === note.written.fingerprint) return true;
  return isHalfWritten(view);
}

/** The mark of the last write of this version, or of one that was frozen and ended after it. */
function isMarked({ written, late = [] }: CopyNote, mark: string): boolean {
  if (mark === written?.mark) return true;
  return late.some((each) => each.mark === mark && each.versionId === written?.versionId);
}

/** Where the value cannot be read, a change in the time of a write that never ended is taken for that write's. */
function isHalfWritten({ note, seen, found }: Found): boolean {
  if (note?.writing === undefined || seen.mark === undefined) return false;
  if (found !== undefined) return found === note.writing.fingerprint;
  const { sinceMs, isOver } = note.writing;
  if (isOver === true) return false;
  return isWithin(seen.changedAtMs, sinceMs);
}

/** Both times are the place's own. A place that tells neither cannot say that it was somebody else. */
function isWithin(changedAtMs: number | undefined, sinceMs: number | undefined): boolean {
  return changedAtMs === undefined || sinceMs === undefined || changedAtMs <= sinceMs + copyWriteMaxMs;
}

/** Nothing is left to write: the place shows the last mark, and it belongs to this version. */
export function isWritten({ note, seen, found }: Found, versionId: VersionId): boolean {
  if (note?.written?.versionId !== versionId || note.writing !== undefined || seen.mark === undefined)
    return false;
  return isMarked(note, seen.mark) || found === note.written.fingerprint;
}

export function placeText({ to, as }: Pick<CopyPolicy, "to" | "as">): string {
  return `${as} at ${to}`;
}
