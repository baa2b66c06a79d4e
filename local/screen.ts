import { styleText } from "node:util";

/** What the person at the terminal sees. Results go to stdout, everything else to stderr with `--json`. */
export interface Screen {
  readonly isJson: boolean;
  /** A line about the set-up. */
  say(text: string): void;
  /** One step of the run, at its time since the start. */
  step(at: {
    readonly elapsedMs: number;
    readonly name: string;
    readonly text: string;
    readonly tone?: Tone;
  }): void;
  /** The verdicts at the end. */
  verdict(line: { readonly isGood: boolean; readonly text: string }): void;
  error(text: string, hint: string): void;
  /** The machine-readable last line. */
  summary(value: unknown): void;
}

export type Tone = "plain" | "wait" | "good" | "bad";

const tones = { plain: "reset", wait: "yellow", good: "green", bad: "red" } as const;
const nameWidth = 20;

export function screen({ json }: { readonly json: boolean }): Screen {
  const stream = json ? process.stderr : process.stdout;
  const paint = (tone: Tone, text: string) => styleText(tones[tone], text, { stream });
  const print = (text: string) => void stream.write(`${text}\n`);
  return {
    isJson: json,
    say: (text) => print(`rekey: ${text}`),
    step: ({ elapsedMs, name, text, tone = "plain" }) => {
      const time = `${(elapsedMs / 1000).toFixed(1).padStart(6)} s`;
      print(`${styleText("dim", time, { stream })}  ${name.padEnd(nameWidth)}${paint(tone, text)}`);
    },
    verdict: ({ isGood, text }) => print(`  ${isGood ? paint("good", "✓") : paint("bad", "✗")} ${text}`),
    error: (text, hint) => {
      process.stderr.write(`rekey: error: ${text}\nrekey: hint: ${hint}\n`);
    },
    summary: (value) => {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
  };
}
