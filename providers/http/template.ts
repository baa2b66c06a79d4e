import { InputInvalid } from "../../core/errors.ts";

/** What a template may be filled with; `undefined` leaves out the field or parameter that is nothing else. */
export type TemplateValue = string | number | boolean | readonly string[] | undefined;
export type TemplateValues = Readonly<Record<string, TemplateValue>>;

/** A JSON value whose texts are templates. */
export type TemplateJson =
  | string
  | number
  | boolean
  | null
  | readonly TemplateJson[]
  | { readonly [name: string]: TemplateJson };

export type HeaderTemplate = string | { readonly basic: string };

interface Part {
  readonly text: string;
  readonly variable: boolean;
}

/** The variables are the parts between `{{` and `}}`. There is nothing else in a template: no code, no patterns. */
function partsOf(template: string): readonly Part[] {
  const parts: Part[] = [];
  let rest = template;
  for (let start = rest.indexOf("{{"); start >= 0; start = rest.indexOf("{{")) {
    const end = rest.indexOf("}}", start);
    if (end < 0) break;
    parts.push({ text: rest.slice(0, start), variable: false });
    parts.push({ text: rest.slice(start + 2, end), variable: true });
    rest = rest.slice(end + 2);
  }
  return [...parts, { text: rest, variable: false }];
}

export function variablesIn(template: string): readonly string[] {
  return partsOf(template).flatMap(({ text, variable }) => (variable ? [text] : []));
}

/** The one variable that is the whole template, if it is. */
export function soleVariable(template: string): string | undefined {
  const [before, variable, after, ...more] = partsOf(template);
  const isSole = before?.text === "" && after?.text === "" && more.length === 0;
  return isSole ? variable?.text : undefined;
}

const controlCharacter = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Undefined when a variable has no value. Control characters could end a header or a log line, so they are refused. */
export function filledText(
  template: string,
  values: TemplateValues,
  encode: (value: string) => string = (value) => value,
): string | undefined {
  let filled = "";
  for (const { text, variable } of partsOf(template)) {
    if (!variable) {
      filled += text;
      continue;
    }
    const value = values[text];
    if (value === undefined) return undefined;
    if (controlCharacter.test(String(value))) {
      throw new InputInvalid(`the value of {{${text}}} has a control character`);
    }
    filled += encode(String(value));
  }
  return filled;
}

/** A path whose variables are one segment each: "..", "a/b" or "a?b" must not lead to another call. */
export function filledPath(path: string, values: TemplateValues): string {
  const filled = filledText(path, values, segment);
  if (filled === undefined) throw new InputInvalid(`a value is missing for the path ${path}`);
  return filled;
}

function segment(value: string): string {
  if (value === "" || value === "." || value === "..") {
    throw new InputInvalid("a value for a path is empty or only dots");
  }
  return encodeURIComponent(value);
}

/** A field of an object whose variable has no value is left out. */
export function filledJson(template: TemplateJson, values: TemplateValues): unknown {
  if (typeof template === "string") {
    const sole = soleVariable(template);
    const value = sole === undefined ? undefined : values[sole];
    return typeof value === "string" || value === undefined ? filledText(template, values) : value;
  }
  if (typeof template !== "object" || template === null) return template;
  if (isList(template)) return template.map((each) => filledJson(each, values));
  return withoutUndefined(
    Object.entries(template).map(([name, each]) => [name, filledJson(each, values)] as const),
  );
}

export function filledTexts(
  templates: Readonly<Record<string, string>>,
  values: TemplateValues,
): Readonly<Record<string, string>> {
  const filled = Object.entries(templates).map(([name, each]) => [name, filledText(each, values)] as const);
  return withoutUndefined(filled);
}

export function filledHeaders(
  templates: Readonly<Record<string, HeaderTemplate>>,
  values: TemplateValues,
): Readonly<Record<string, string>> {
  const filled = Object.entries(templates).map(([name, each]) => {
    if (typeof each === "string") return [name, filledText(each, values)] as const;
    const pair = filledText(each.basic, values);
    return [name, pair && `Basic ${Buffer.from(pair).toString("base64")}`] as const;
  });
  return withoutUndefined(filled);
}

export function isList(template: TemplateJson): template is readonly TemplateJson[] {
  return Array.isArray(template);
}

function withoutUndefined<Value>(
  entries: readonly (readonly [string, Value | undefined])[],
): Record<string, Value> {
  return Object.fromEntries(entries.filter((entry): entry is [string, Value] => entry[1] !== undefined));
}

/** `{{admin}}` and its two parts around the first colon, as `{{admin.1}}` and `{{admin.2}}`; the same for `{{key}}`. */
export function credentialValues(name: "admin" | "key" | "token", text: string): TemplateValues {
  const colon = text.indexOf(":");
  if (colon < 0) return { [name]: text };
  return { [name]: text, [`${name}.1`]: text.slice(0, colon), [`${name}.2`]: text.slice(colon + 1) };
}
