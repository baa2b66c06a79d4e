import { createHash } from "node:crypto";
import { fingerprintOf } from "../events/fingerprint.ts";
import { issuers } from "../providers/index.ts";
import { isUnmarkedKey, keySearch } from "../providers/key-text.ts";
import type { Issuer } from "../providers/provider.ts";
import {
  type Assignment,
  aheadMax,
  isLetterOrDigit,
  mayGive,
  nameAround,
  nameEnd,
  secretWords,
  valueIn,
} from "./assignments.ts";
import { beginningsOf } from "./beginnings.ts";
import { configurationOf, envKind, isProse, mayBeConfiguration } from "./file-kinds.ts";
import { type Finding, masked } from "./finding.ts";
import {
  clientPrefixes,
  clientSideName,
  isSecretForBrowsers,
  issuersNamed,
  maySaySecret,
  namesSecret,
} from "./names.ts";
import type { Rule } from "./rules.ts";
import { isLiteral, isPlaceholder, isWordLike, literalMin } from "./values.ts";

/** What to search: one byte for each character, or a text where that is not so. The path says the kind of file. */
export type File = { readonly path: string; readonly commit?: string } & (
  | { readonly bytes: Buffer }
  | { readonly text: string }
);

const kinds = issuers.flatMap((issuer) =>
  issuer.keyTexts.filter(({ isId }) => isId !== true).map((kind) => ({ ...kind, issuer })),
);
const keysIn = keySearch(kinds);
/** What every file is searched for first. */
export const sought = {
  prefix: kinds.map(({ prefix }) => prefix).filter((prefix) => prefix !== ""),
  client: clientPrefixes,
  word: secretWords,
};
const beginnings = beginningsOf(sought);

/** A shorter key that may begin like a word needs to look generated. */
const certainFrom = 40;
const findingsMax = 100;

/** Every finding in one file, in its order; at most a hundred, because a file with more is one problem. */
export function findIn(file: File): readonly Finding[] {
  const { prefixes, assignments } = candidatesIn(file);
  if (prefixes.length === 0 && assignments.length === 0) return [];
  const text = textOf(file);
  const found: Found[] = keysAt(prefixes, { file, text })
    .filter(({ text: key, kind }) => {
      const tail = key.slice(kind.prefix.length);
      return !isPlaceholder(tail) && (kind.length.min >= certainFrom || !isWordLike(tail));
    })
    .map(({ at, text: key, kind }) => keyFound(at, key, kind));
  const taken = new Set(found.map(({ at }) => at));
  const view: View = { path: file.path, text, seen: new Set() };
  for (const assignment of assignments) {
    const isTaken = assignment.valueAt !== undefined && taken.has(assignment.valueAt);
    found.push(...fromName(assignment, view), ...(isTaken ? [] : fromValue(assignment, view)));
  }
  if (found.length === 0) return [];
  found.sort((one, other) => one.at - other.at);
  return placed(file, text(), found.slice(0, findingsMax));
}

/** Where many keys may begin the whole text is searched once, so that no part of it is read often. */
const placesMax = 100;
const keyMax = Math.max(...kinds.map(({ prefix, length }) => prefix.length + length.max));

function keysAt(
  prefixes: readonly number[],
  { file, text }: { readonly file: File; readonly text: () => string },
): ReturnType<typeof keysIn> {
  if (prefixes.length > placesMax) return keysIn(text());
  let end = 0;
  return prefixes.flatMap((at) => {
    // One character more says whether the key ends there.
    const key = at < end ? undefined : keysIn(partOf(file, at, keyMax + 1))[0];
    if (key?.at !== 0) return [];
    end = at + key.text.length;
    return [{ ...key, at }];
  });
}

function partOf(file: File, at: number, length: number): string {
  return "bytes" in file ? file.bytes.toString("latin1", at, at + length) : file.text.slice(at, at + length);
}

/** The whole text, made when somebody first asks for it: few files have something that is looked for in all of it. */
function textOf(file: File): () => string {
  if ("text" in file) return () => file.text;
  let text: string | undefined;
  return () => {
    text ??= file.bytes.toString("latin1");
    return text;
  };
}

interface Candidates {
  /** Where a key may begin: at most one place more than are looked at one by one. */
  readonly prefixes: readonly number[];
  readonly assignments: readonly Assignment[];
}

/** One pass over the bytes finds what is looked at more closely. In most files that is nothing. */
function candidatesIn(file: File): Candidates {
  // A character that is no byte is in no prefix and no name, and must not turn into one that is.
  const bytes =
    "bytes" in file ? file.bytes : Buffer.from(file.text.replaceAll(/[\u0100-\uffff]/g, "\xff"), "latin1");
  const prefixes: number[] = [];
  let isForBrowsers = false;
  let isPassed = false;
  let valueMin: number | undefined;
  const assignments: Assignment[] = [];
  let end = 0;
  beginnings(bytes, (what, at) => {
    if (what === "prefix") {
      const isBeginning = at === 0 || !isLetterOrDigit(bytes[at - 1] ?? 0);
      // Two prefixes may begin at one place.
      if (isBeginning && prefixes.length <= placesMax && prefixes.at(-1) !== at) prefixes.push(at);
    } else if (what === "client") {
      // It may stand within a name that was passed before anybody knew of it: `secrets.VITE_…`.
      if (!isForBrowsers && isPassed) end = Math.min(end, at);
      isForBrowsers = true;
    } else if (at >= end && assignments.length < assignmentsMax) {
      end = nameEnd(bytes, at);
      isPassed = true;
      if (mayGive(bytes, end, shortest)) valueMin ??= valueMinIn(file.path);
      const isGiven = valueMin !== undefined && mayGive(bytes, end, valueMin);
      // Most names are only used, and one for browsers is the only one that matters without a value.
      if (!isGiven && !isForBrowsers) return;
      const name = nameAround(bytes, { at, end });
      if (name === undefined || !maySaySecret(name.name)) return;
      const given = isGiven ? valueIn(partOf(file, end, aheadMax)) : undefined;
      const isSecret = given !== undefined && given.value.length >= shortest;
      if (!isSecret && !isForBrowsers) return;
      isPassed = false;
      assignments.push({ ...name, ...(isSecret && { value: given.value, valueAt: end + given.at }) });
    }
  });
  return { prefixes, assignments };
}

const unmarkedMin = Math.min(
  ...issuers.flatMap(({ unmarked = [] }) => unmarked.map(({ length }) => length.min)),
);
/** A shorter value is no secret of any kind. */
const shortest = Math.min(literalMin, unmarkedMin);

/** Of a file that is no configuration only a key says something, and no key is as short as a password. */
function valueMinIn(path: string): number {
  return mayBeConfiguration(path) ? shortest : unmarkedMin;
}

/** More are in no file that a person wrote. */
const assignmentsMax = 100_000;

interface Found {
  readonly at: number;
  readonly rule: Rule;
  readonly says: string;
  readonly provider?: string;
  readonly fingerprint?: string;
  /** What the finding's id is made of beside the rule and the path; never a text that can be guessed. */
  readonly about: string;
}

interface View {
  readonly path: string;
  readonly text: () => string;
  /** Names that were reported already. */
  readonly seen: Set<string>;
}

function keyFound(
  at: number,
  key: string,
  { issuer, prefix }: { readonly issuer: Issuer; readonly prefix: string },
): Found {
  const fingerprint = fingerprintOf(key);
  return {
    ...{ at, rule: "provider-key", provider: issuer.kind, fingerprint, about: fingerprint },
    says: `a key of ${issuer.title}: ${masked(key, prefix)}`,
  };
}

/** A secret under a name for browsers is wrong wherever the name is used. */
function fromName({ name, at }: Assignment, { path, seen }: View): readonly Found[] {
  const found = clientSideName(name);
  if (found === undefined || isProse(path)) return [];
  const { own, prefix } = found;
  if (seen.has(own) || !isSecretForBrowsers(own)) return [];
  seen.add(own);
  return [
    {
      ...{ at, rule: "client-side-secret", about: own },
      says: `${own}: what begins with ${prefix} is written into the page, and everybody can read it`,
    },
  ];
}

function fromValue({ name, value, valueAt }: Assignment, { path, text }: View): readonly Found[] {
  if (value === undefined || valueAt === undefined || isPlaceholder(value)) return [];
  const issuer = isWordLike(value)
    ? undefined
    : issuersNamed(name).find(({ unmarked = [] }) => isUnmarkedKey(value, unmarked));
  if (issuer !== undefined) return [{ ...keyFound(valueAt, value, { issuer, prefix: "" }) }];
  if (!namesSecret(name) || !isLiteral(value)) return [];
  if (envKind(path) === "template") {
    return [{ at: valueAt, rule: "env-template-value", about: name, says: `${name} has a value` }];
  }
  if (isWordLike(value) || !/[0-9]/.test(value)) return [];
  const configuration = configurationOf(path, text);
  if (configuration === undefined) return [];
  return [
    {
      ...{ at: valueAt, rule: "plaintext-secret", about: name, fingerprint: fingerprintOf(value) },
      says: `${name} in ${aOrAn(configuration)}: ${masked(value)}`,
    },
  ];
}

function aOrAn(noun: string): string {
  return `${/^[aeiou]/i.test(noun) ? "an" : "a"} ${noun}`;
}

const allowMark = /rekey-allow(?::\s{0,4}([^\n]{0,200}))?/;
const reasonMin = 8;

/** With lines, columns and what a comment beside it allows. */
function placed({ path, commit }: File, text: string, found: readonly Found[]): readonly Finding[] {
  let line = 1;
  let lineStart = 0;
  let before = "";
  return found.map(({ at, about, ...rest }) => {
    for (
      let next = text.indexOf("\n", lineStart);
      next >= 0 && next < at;
      next = text.indexOf("\n", lineStart)
    ) {
      before = text.slice(lineStart, Math.min(next, lineStart + lineMax));
      lineStart = next + 1;
      line += 1;
    }
    const end = text.indexOf("\n", at);
    const own = text.slice(lineStart, Math.min(end < 0 ? text.length : end, lineStart + lineMax));
    return {
      ...{ path, line, column: at - lineStart + 1, id: idOf(rest.rule, path, about) },
      ...(commit !== undefined && { commit }),
      ...allowed(rest, allowMark.exec(own) ?? allowMark.exec(before)),
    };
  });
}

/** Comments in longer lines are in generated files. */
const lineMax = 4_096;

type Said = Omit<Found, "at" | "about">;

function allowed(said: Said, mark: RegExpExecArray | null): Said & Pick<Finding, "accepted"> {
  if (mark === null) return said;
  const reason = (mark[1] ?? "").replace(/\s*(?:\*\/|-->|#\}|"\s*,?)\s*$/, "").trim();
  if (reason.length >= reasonMin) return { ...said, accepted: { by: "comment", reason } };
  return { ...said, says: `${said.says}; \`rekey-allow:\` needs a reason after it` };
}

export function idOf(rule: string, path: string, about: string): string {
  return createHash("sha256").update(`${rule}\n${path}\n${about}`).digest("hex").slice(0, idLength);
}

const idLength = 20;
