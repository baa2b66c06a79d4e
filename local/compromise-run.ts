import type { Screen } from "./screen.ts";

export async function runCompromise(_options: {
  readonly shown: Screen;
  readonly stay: boolean;
  readonly plan: "contain-first" | "switch-first";
}): Promise<number> {
  return 1;
}
