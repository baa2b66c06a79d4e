import type { RefreshMemory, RefreshNote, RefreshPlace } from "../../consumers/ports.ts";
import type { Deps } from "../deps.ts";

/** Refreshes are remembered in the ledger, under the secret. */
export function refreshMemory({ ledger }: Pick<Deps, "ledger">): RefreshMemory {
  return {
    recall: (place) => ledger.documents.read<RefreshNote>(noteAt(place)),
    remember: (place, note) => ledger.documents.write(noteAt(place), note),
  };
}

function noteAt({ secretArn, environment, consumer, versionId, target }: RefreshPlace) {
  return { kind: "REFRESH", id: secretArn, sort: `${environment}/${consumer}/${versionId}/${target}` };
}
