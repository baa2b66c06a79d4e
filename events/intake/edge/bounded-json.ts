/** Reads input that anybody may have written. No message quotes it, unlike V8's own: it may hold a key. */
import * as z from "zod";
import { InputInvalid } from "../../../core/errors.ts";

/** The deepest real report (SARIF) has 9 levels. */
const depthMax = 32;
/** Five thousand findings of forty fields each: what more there is takes longer to parse than an answer may. */
const separatorsMax = 400_000;
const linesMax = 400_000;
const byteOrderMark = "\uFEFF";

export function textOf(body: Uint8Array, { bytesMax }: { readonly bytesMax: number }): string {
  if (body.length > bytesMax) {
    throw new InputInvalid(`the report has ${body.length} bytes, at most ${bytesMax}: split it`);
  }
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  if (isOtherEncoding(text)) throw new InputInvalid("the report is not UTF-8");
  return text.startsWith(byteOrderMark) ? text.slice(1) : text;
}

/** Decoders write this for bytes that are not UTF-8. A key with it in it is not the key that leaked. */
export const unreadable = "\uFFFD";

/**
 * A scanner copies names and messages of any encoding into its report, so a few unreadable characters are no
 * reason to lose the findings. Many of them, or a NUL, show that the whole is not UTF-8.
 */
function isOtherEncoding(text: string): boolean {
  return text.includes("\0") || text.split(unreadable).length - 1 > text.length / unreadableShare;
}

const unreadableShare = 20;

export function jsonIn(text: string, what: string): unknown {
  assertSmall(text, what);
  try {
    return JSON.parse(text);
  } catch (malformed) {
    if (malformed instanceof SyntaxError) throw new InputInvalid(`${what} is not JSON: was it cut off?`);
    throw malformed;
  }
}

/** `value` checked against `schema`. The error names the place of a mistake and never the content. */
export function shaped<S extends z.ZodType>(schema: S, { value, what }: { value: unknown; what: string }) {
  const result = schema.safeParse(value);
  if (result.success) return result.data as z.output<S>;

  const issue = result.error.issues[0];
  const path = issue?.path.map(String).join(".") || "the top";
  const why = issue?.code === "custom" ? issue.message : (issue?.code ?? "invalid").replaceAll("_", " ");
  throw new InputInvalid(`${what} is not as expected at ${path}: ${why}`);
}

/** All findings or none: with only a part of them, the rest would look clean. */
export function atMost<T>(findings: readonly T[], max: number): readonly T[] {
  if (findings.length <= max) return findings;
  throw new InputInvalid(
    `the report has ${findings.length} findings, at most ${max}: split it and report each part`,
  );
}

/** An optional field: if it is absent or of another type, the alert must not be lost. */
export const optionalText = z.string().optional().catch(undefined);
export const optionalFlag = z.boolean().optional().catch(undefined);
export const optionalNumber = z.number().optional().catch(undefined);

/** Counted before anything is parsed: millions of empty records cost far more than their bytes. */
function assertSmall(text: string, what: string): void {
  let depth = 0;
  let separators = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (inString) {
      if (char === "\\") at += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") depth -= 1;
    else if (char === "," || char === ":") separators += 1;
    if (depth > depthMax) throw new InputInvalid(`${what} is nested deeper than ${depthMax} levels`);
    if (separators > separatorsMax) {
      throw new InputInvalid(`${what} has more than ${separatorsMax} values: split it and report each part`);
    }
  }
}

/** The lines of a text, trimmed, with their numbers; blank ones are left out. */
export function linesOf(text: string): readonly { readonly line: string; readonly number: number }[] {
  const found: { line: string; number: number }[] = [];
  for (let at = 0, number = 1; at < text.length; number += 1) {
    const end = text.indexOf("\n", at);
    const line = text.slice(at, end < 0 ? text.length : end).trim();
    if (line !== "") found.push({ line, number });
    if (number > linesMax) {
      throw new InputInvalid(`the report has more than ${linesMax} lines: split it and report each part`);
    }
    at = end < 0 ? text.length : end + 1;
  }
  return found;
}
