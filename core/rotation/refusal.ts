/** Why something may not happen now. A value, because "no" is not an exception. */
export interface Refusal<Reason extends string> {
  readonly reason: Reason;
  readonly detail: string;
}

/** A refusal in one line, as records, pages and screens show it. */
export function refusalText({ reason, detail }: Refusal<string>): string {
  return `${reason}: ${detail}`;
}
