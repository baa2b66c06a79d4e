import { styleText } from "node:util";
import { wrapped } from "../cli/table.ts";

/** What the person at the terminal sees. Results go to stdout, everything else to stderr with `--json`. */
export interface Screen {
  readonly isJson: boolean;
  /** A line about the set-up. */
  say(text: string): void;
  /** One step of the run, at its time since the start. What was said before, but for its ages, is not repeated. */
  step(at: StepLine): void;
  /** The verdicts at the end. */
  verdict(line: { readonly isGood: boolean; readonly text: string }): void;
  /** What went wrong, and what to do about all of it. */
  error(text: string | readonly string[], hint: string): void;
  /** The machine-readable last line. */
  summary(value: unknown): void;
}

export interface StepLine {
  readonly elapsedMs: number;
  readonly name: string;
  /** What it is about, by name. */
  readonly secret: string;
  readonly text: string;
  readonly tone?: Tone;
}

export type Tone = "plain" | "wait" | "good" | "bad";

const tones = { plain: "reset", wait: "yellow", good: "green", bad: "red" } as const;
const nameWidth = 17;
const stepIndent = 10 + nameWidth;
const prefix = "rekey: ";
/** Of a line where no terminal says how wide it is; and a wider one is harder to read. */
const widthMax = 100;

export interface Streams {
  readonly out: Output;
  readonly err: Output;
}
type Output = Pick<NodeJS.WriteStream, "write"> & { readonly columns?: number };

export function screen({ json }: { readonly json: boolean }, streams?: Streams): Screen {
  const { out, err } = streams ?? { out: process.stdout, err: process.stderr };
  const stream = json ? err : out;
  // A stand-in of a stream is never a terminal: what is written to it has no colours.
  const styled = (style: Parameters<typeof styleText>[0], text: string) =>
    streams === undefined ? styleText(style, text, { stream: json ? process.stderr : process.stdout }) : text;
  const told = new Set<string>();
  const print = (lines: readonly string[]) => void stream.write(`${lines.join("\n")}\n`);
  return {
    isJson: json,
    say: (text) => print(hanging({ first: prefix, text, stream })),
    step: ({ elapsedMs, name, secret, text, tone = "plain" }) => {
      const said = secret === "" ? text : `${secret}: ${text}`;
      const news = `${name} ${withoutAges(said)}`;
      if (told.has(news)) return;
      told.add(news);
      const time = `${(elapsedMs / 1000).toFixed(1).padStart(6)} s  `;
      const lines = hanging({ first: " ".repeat(stepIndent), text: said, stream });
      const [, ...others] = lines;
      const words = (line = "") => styled(tones[tone], line.slice(stepIndent));
      const start = `${styled("dim", time)}${name.padEnd(nameWidth - 1)} ${words(lines[0])}`;
      print([start, ...others.map((line) => `${" ".repeat(stepIndent)}${words(line)}`)]);
    },
    verdict: ({ isGood, text }) => {
      const [first = "", ...others] = hanging({ first: " ".repeat(4), text, stream });
      print([`  ${isGood ? styled("green", "✓") : styled("red", "✗")} ${first.slice(4)}`, ...others]);
    },
    error: (text, hint) => {
      const lines = [
        ...[text].flat().flatMap((each) => hanging({ first: `${prefix}error: `, text: each, stream: err })),
        ...hanging({ first: `${prefix}hint: `, text: hint, stream: err }),
      ];
      err.write(`${lines.join("\n")}\n`);
    },
    summary: (value) => {
      if (json) out.write(`${JSON.stringify(value)}\n`);
    },
  };
}

/** The text behind `first`, and each further line of it under its beginning. */
function hanging(given: { readonly first: string; readonly text: string; readonly stream: Output }) {
  const { first, text, stream } = given;
  const width = Math.min(stream.columns || widthMax, widthMax);
  const lines = wrapped(text, Math.max(1, width - first.length));
  return lines.map((line, index) => `${index === 0 ? first : " ".repeat(first.length)}${line}`);
}

/** "seen 0.4 s ago" says nothing new a moment later. */
function withoutAges(text: string): string {
  return text.replace(/\d+(?:\.\d+)? (?:ms|s|min|h)\b/g, "some time");
}
