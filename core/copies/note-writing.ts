import type { CopyNote, Version } from "./note.ts";

/**
 * Recorded before the call: a crash must not leave a value of ours that looks like somebody else's. What allowed this
 * write, such as a person's order, allows it over what is there now, and not over what somebody puts there later.
 */
export function noteWriting(
  note: CopyNote,
  begin: Version & { readonly over?: string | undefined; readonly sinceMs?: number | undefined },
): CopyNote {
  const { versionId, fingerprint, over, sinceMs } = begin;
  const { late: _overwritten, overwrite: _takenUp, begun = 0, ...rest } = note;
  const writing = {
    ...{ versionId, fingerprint },
    ...(over !== undefined && { over }),
    ...(sinceMs !== undefined && { sinceMs }),
  };
  return { ...rest, begun: begun + 1, writing };
}

/**
 * The write failed, and the place was looked at right afterwards. What is there then may be replaced by the next try;
 * what comes later is somebody else's.
 */
export function noteFailed(
  note: CopyNote,
  { begun, over }: { readonly begun: number | undefined; readonly over: string },
): CopyNote {
  if (note.writing === undefined || note.begun !== begun) return note;
  return { ...note, writing: { ...note.writing, over, isOver: true } };
}

interface Ended extends Version {
  readonly mark: string;
  /** What the note said when this write began. */
  readonly begun?: number | undefined;
}

export function noteWritten(note: CopyNote, ended: Ended): CopyNote {
  const { writing: _over, overwrite: _done, ...rest } = note;
  const { versionId, fingerprint, mark } = ended;
  // A later write that failed for certain changed nothing: this one is the last that did.
  if (ended.begun !== note.begun && note.writing?.isOver !== true)
    return noteLate(note, { versionId, fingerprint, mark });
  const isAgain = note.written?.versionId === versionId;
  const again = isAgain ? { writes: (note.written?.writes ?? 1) + 1 } : {};
  const other = note.late?.find((late) => late.versionId !== versionId);
  return {
    ...rest,
    written: { versionId, fingerprint, mark, ...again },
    ...(other && { writing: { versionId: other.versionId, fingerprint: other.fingerprint } }),
  };
}

const lateMax = 5;

/**
 * The function was frozen, and another one wrote meanwhile. Which of both values is there nobody knows: either mark is
 * Rekey's if both wrote the same version, and otherwise the copy has to be written once more.
 */
function noteLate(note: CopyNote, late: Version & { readonly mark: string }): CopyNote {
  const { versionId, fingerprint } = late;
  const isSame = note.written?.versionId === versionId;
  const writing = note.writing ?? (isSame ? undefined : { versionId, fingerprint });
  return { ...note, ...(writing && { writing }), late: [...(note.late ?? []), late].slice(-lateMax) };
}
