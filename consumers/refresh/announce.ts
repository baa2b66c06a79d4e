import type { Refresher } from "../ports.ts";

/** The machine's Announce state does all that these consumers need. */
export const announce: Refresher = {
  refresh: async () => ({ outcome: "nothingToDo", detail: "the announcement is enough" }),
};
