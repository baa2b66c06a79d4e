/** Where a call breaks off: before anybody heard it, or after it was done and before its answer was back. */
export type BreaksOff = "before" | "after";

export interface BrokenLine {
  /** The next call is not answered. */
  breakNext(when: BreaksOff): void;
  /** What breaks the next call off, once. */
  take(): BreaksOff | undefined;
}

export function brokenLine(): BrokenLine {
  let next: BreaksOff | undefined;
  return {
    breakNext: (when) => {
      next = when;
    },
    take: () => {
      const taken = next;
      next = undefined;
      return taken;
    },
  };
}

/** An SDK client whose next call may break off. */
export function onLine<Client extends { readonly send: unknown }>(
  client: Client,
  line: BrokenLine,
): Pick<Client, "send"> {
  const passOn = client.send as (command: unknown) => Promise<unknown>;
  const send = async (command: unknown) => {
    const breaksOff = line.take();
    if (breaksOff !== "before") {
      const answer = await passOn.call(client, command);
      if (breaksOff === undefined) return answer;
    }
    throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
  };
  return { send } as Pick<Client, "send">;
}
