/** Where the reader is: kept in the fragment, so that back, forward and bookmarks work. */
export type Place =
  | { readonly view: "fleet" }
  | { readonly view: "rotation"; readonly id: string; readonly run?: string }
  | { readonly view: "incidents" }
  | { readonly view: "incident"; readonly id: string }
  | { readonly view: "campaign"; readonly id: string }
  /** Of a secret's run, or of the incident `id`. */
  | { readonly view: "certificate"; readonly id: string; readonly run?: string }
  | { readonly view: "audit" }
  | { readonly view: "chain"; readonly id: string };

export function placeIn(fragment: string): Place {
  const [view, id, run] = fragment.replace(/^#\/?/, "").split("/").map(decoded);
  if (view === "incidents" || view === "audit") return { view };
  if (id === undefined || id === "") return { view: "fleet" };
  if (view === "rotation" || view === "certificate") return { view, id, ...(run !== undefined && { run }) };
  if (view === "incident" || view === "campaign" || view === "chain") return { view, id };
  return { view: "fleet" };
}

export function linkTo(...parts: readonly string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

/** The address of the stream that has what this place shows. */
export function streamFor(place: Place): string {
  const asked = new URLSearchParams({ show: place.view });
  if ("id" in place) asked.set("id", place.id);
  if ("run" in place && place.run !== undefined) asked.set("run", place.run);
  return `/live?${asked}`;
}
