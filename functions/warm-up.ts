/** What a rule sends to a function that will soon be called, so that this call does not wait for the function to start. */
export const warmUp = { rekey: "warm-up" } as const;

/** Only the constant itself. Whoever may invoke a function can send it as well, and nothing comes of it. */
export function isWarmUp(event: unknown): boolean {
  if (typeof event !== "object" || event === null || Object.keys(event).length !== 1) return false;
  return "rekey" in event && event.rekey === warmUp.rekey;
}
