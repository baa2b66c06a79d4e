import { randomId } from "./sigv4.ts";

interface Given {
  /** Default the host's name. */
  instance?: string | undefined;
  /** Default random. */
  startId?: string | undefined;
}

/**
 * Answers what reports call this process: `name/start id`. A pod that is restarted under its old name, and two
 * clones of one disk image, have the same name, and their reports would overwrite each other without a start id.
 * Both parts are looked up at the first report, so that clones of a snapshot taken before it differ, too.
 */
export function createInstance({ instance, startId }: Given): () => string {
  let text = "";
  return () => {
    text ||= `${nameFrom(instance || process.getBuiltinModule("node:os").hostname())}/${startId || randomId()}`;
    return text;
  };
}

/** Only what a report may use, as nothing else may reach a screen; with the start id, at most 128 characters. */
const nameFrom = (given: string): string => given.replace(/[^\w.:@-]/g, "-").slice(0, 80);
