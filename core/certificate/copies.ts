import type { CopyNote } from "../copies/note.ts";
import { timeAs } from "./statement.ts";

/** What Rekey knows of the copies of one secret's key, for certificates that contain no gate's evidence. */
export function copiesText(notes: readonly CopyNote[], incomingVersionId: string | undefined) {
  return notes.map(({ destination, name, written, refused, astray }) => ({
    ...{
      claim: "observed" as const,
      destination,
      name,
      holds: holdsOf(written?.versionId, incomingVersionId),
    },
    ...(written && {
      versionId: written.versionId,
      mark: written.mark,
      ...timeAs("seenAt", written.seenAtMs),
    }),
    ...(refused !== undefined && { refused }),
    ...(astray !== undefined && { astray }),
  }));
}

function holdsOf(versionId: string | undefined, incomingVersionId: string | undefined) {
  if (versionId === undefined) return "unknown";
  return versionId === incomingVersionId ? "incoming" : "another";
}
