import type { Message } from "../../core/rotation/messages.ts";
import type { Page } from "../deps.ts";
import { runbookFor } from "../incident/paging/runbook.ts";

/** A message about ordinary rotations, in the form of a page, because it takes the same channels. */
export function messagePage(message: Message, atMs: number, test = false): Page {
  const { title, lines, severity, steps, topic, secretArns } = message;
  return {
    ...{ incidentId: "none", reason: "rotation", severity, title, steps, test, links: [] },
    why: lines.join("\n"),
    runbook: runbookFor(topic),
    about: { secretArns, deadlineAtMs: atMs },
  };
}
