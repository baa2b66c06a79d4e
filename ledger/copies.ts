import type { CopyNote } from "../core/copies/note.ts";
import type { SecretArn, TableKey } from "../core/ports.ts";
import type { Documents } from "./documents.ts";

/** What Rekey remembers of the copies of a secret's key. */
export function copiesIn(at: Documents) {
  return {
    copyNotes: (secretArn: SecretArn) => at.all<CopyNote>({ kind: "COPY", id: secretArn }),
    copyNote: (place: NotedPlace) => at.read<CopyNote>(keyOf(place)),
    /** A copy without a note gets an empty one. */
    changeCopy: (place: NotedPlace, change: (note: CopyNote) => CopyNote) =>
      at.change<CopyNote>(keyOf(place), (stored) => {
        const { destination, name } = place;
        const before = stored ?? { destination, name };
        const next = change(before);
        return stored !== undefined && JSON.stringify(next) === JSON.stringify(stored) ? stored : next;
      }),
    removeCopy: (place: NotedPlace) => at.remove(keyOf(place)),
  };
}

export interface NotedPlace {
  readonly secretArn: SecretArn;
  readonly destination: string;
  readonly name: string;
}

function keyOf({ secretArn, destination, name }: NotedPlace): TableKey {
  return { kind: "COPY", id: secretArn, sort: `${destination}/${name}` };
}
