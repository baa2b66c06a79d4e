/** Where a call breaks off: before anybody heard it, or after it was done and before its answer was back. */
export type BreaksOff = "before" | "after";

export interface BrokenLine {
  /** The next call, or so many of them, is not answered. */
  breakNext(when: BreaksOff, times?: number): void;
  /** What breaks the call off that is made now. */
  take(): BreaksOff | undefined;
}

export function brokenLine(): BrokenLine {
  let next: BreaksOff | undefined;
  let left = 0;
  return {
    breakNext: (when, times = 1) => {
      next = when;
      left = times;
    },
    take: () => {
      left -= 1;
      return left >= 0 ? next : undefined;
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
