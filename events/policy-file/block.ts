import * as z from "zod";
import { nearest } from "../../core/nearest.ts";
import type { Path } from "./document.ts";

/** A mistake at one position of the file; `path` starts at the file's root. */
export interface Mistake {
  readonly path: Path;
  readonly part: "key" | "value";
  readonly message: string;
  /** Where it stands in the file, if not at `path`: a default is not written in the block of its secret. */
  readonly writtenAt?: Path;
}

/** What is missing or contradicts itself in one secret's block, as a path inside it. */
export type BlockMistake = Pick<Mistake, "path" | "message">;

export interface ReadBlock<Value> {
  /** Without the parts that are wrong; undefined if nothing can be read. */
  readonly value: Value | undefined;
  readonly mistakes: readonly Mistake[];
}

/** Wrong parts are left out from the inside to the outside: a field, then its list, then the block. */
const roundsMax = 6;

/** Checks one block. Wrong parts are reported and then left out, so that the rest can still be checked. */
export function readBlock<Schema extends z.ZodType>(
  schema: Schema,
  raw: unknown,
  root: Path,
): ReadBlock<z.output<Schema>> {
  const first = schema.safeParse(raw);
  if (first.success) return { value: first.data, mistakes: [] };
  const mistakes = first.error.issues.flatMap((issue) => mistakesOf(issue, schema, root));
  let rest = raw;
  let parsed: z.ZodSafeParseResult<z.output<Schema>> = first;
  for (let round = 0; round < roundsMax && !parsed.success; round += 1) {
    rest = placesOf(parsed.error.issues).reduce(without, rest);
    parsed = schema.safeParse(rest);
  }
  return { value: parsed.data, mistakes };
}

function placesOf(issues: readonly z.core.$ZodIssue[]): readonly Path[] {
  return issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => [...(issue.path as Path), key])
      : [issue.path as Path],
  );
}

function mistakesOf(issue: z.core.$ZodIssue, schema: z.ZodType, root: Path): readonly Mistake[] {
  const path = [...root, ...(issue.path as Path)];
  if (issue.code === "unrecognized_keys") {
    const known = fieldsAt(schema, issue.path as Path);
    return issue.keys.map((key) => ({
      path: [...path, key],
      part: "key",
      message: unknownField(key, known),
    }));
  }
  return [{ path, part: "value", message: messageOf(issue) }];
}

export function unknownField(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  const hint = meant === undefined ? "" : `: did you mean ${meant}?`;
  return `unknown field ${JSON.stringify(key.slice(0, 64))}${hint}`;
}

/** Our own messages say what to write. The library's begin with these words, and some of them quote the value. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (!/^(Invalid|Too)/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case "invalid_type":
      return issue.message.includes("undefined")
        ? "this field is missing"
        : `this has to be ${aOrAn(issue.expected)}`;
    case "invalid_format":
      return "this is not of the form it has to have";
    case "too_small":
      return `this is too small or too short: at least ${issue.minimum}`;
    case "too_big":
      return `this is too large or too long: at most ${issue.maximum}`;
    case "invalid_value":
      return `this has to be one of ${issue.values.join(", ")}`;
    default:
      return "this is not valid";
  }
}

function aOrAn(expected: string): string {
  const names: Readonly<Record<string, string>> = {
    object: "a block of fields",
    record: "a block of fields",
    array: "a list",
  };
  return names[expected] ?? `a ${expected}`;
}

/** The field names of the block at `path` of a schema, if they can be found. */
function fieldsAt(schema: z.ZodType, path: Path): readonly string[] {
  let at: z.ZodType | undefined = schema;
  for (const step of [...path, undefined]) {
    while (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodExactOptional) {
      at = at.unwrap() as z.ZodType;
    }
    at = at && (wordsOrBlocks.get(at)?.block ?? at);
    if (step === undefined) break;
    if (at instanceof z.ZodObject) at = (at.shape as Record<string, z.ZodType>)[step];
    else if (at instanceof z.ZodArray) at = at.element as z.ZodType;
    else return [];
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** A copy without the field at `path`. For an item of a list, the field that holds the list is left out. */
function without(value: unknown, path: Path): unknown {
  const lastField = path.findLastIndex((step) => typeof step === "string");
  if (lastField < 0) return undefined;
  return dropped(value, path.slice(0, lastField + 1));
}

function dropped(value: unknown, [step, ...rest]: Path): unknown {
  if (typeof value !== "object" || value === null || step === undefined) return value;
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => (index === step ? dropped(item, rest) : item));
  }
  const fields = Object.entries(value);
  return Object.fromEntries(
    rest.length === 0
      ? fields.filter(([name]) => name !== step)
      : fields.map(([name, field]) => [name, name === step ? dropped(field, rest) : field]),
  );
}

/** What each `wordOr` takes: a transform hides its field names and its JSON Schema. */
const wordsOrBlocks = new WeakMap<object, { readonly words: readonly string[]; readonly block: z.ZodType }>();

/** The words and the block of a schema that `wordOr` made; undefined of any other. */
export function wordsOrBlockOf(schema: object) {
  return wordsOrBlocks.get(schema);
}

/**
 * One of a few words, or a block. With a plain union, a mistake in the block would be reported as "invalid
 * input".
 */
export function wordOr<Word extends string, Block extends z.ZodType>(words: readonly Word[], block: Block) {
  const schema = z.unknown().transform((value, context): Word | z.output<Block> => {
    const word = words.find((each) => each === value);
    if (word !== undefined) return word;
    if (typeof value === "string") {
      context.addIssue(`write ${words.join(" or ")}, or a block`);
      return z.NEVER;
    }
    const parsed = block.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) context.issues.push({ ...issue, input: value } as never);
    return z.NEVER;
  });
  wordsOrBlocks.set(schema, { words, block });
  return schema;
}
