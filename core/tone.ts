/** How good or bad a state is, for colours and marks. */
export type Tone = "good" | "busy" | "warn" | "bad" | "quiet";
