import { nearest } from "../../core/nearest.ts";
import type { Declaration } from "./declaration.ts";
import { type HeaderTemplate, isList, type TemplateJson, variablesIn } from "./template.ts";

export interface TemplateMistake {
  /** From the declaration on. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

interface Templates {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: TemplateJson;
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, HeaderTemplate>>;
}

/** A credential's words: a URL is written into logs on its way, so they stand in headers and bodies only. */
const admin = ["admin", "admin.1", "admin.2"];
const token = ["token"];
const key = ["key", "key.1", "key.2"];
const credentials = new Set([...admin, ...token, ...key]);

/** Variables that a template must not have. `parameters` are those that the settings define. */
export function mistakesIn(
  declaration: Declaration,
  parameters: readonly string[],
): readonly TemplateMistake[] {
  const { mint, list, verify, revoke, quarantine, newSecret } = declaration;
  const look = (at: readonly string[], templates: Templates, words: readonly string[]) =>
    mistakesOf(templates, [...words, ...parameters]).map((mistake) => ({
      ...mistake,
      path: [...at, ...mistake.path],
    }));
  const adminHeaders = { path: "/", headers: declaration.admin.headers };
  return [
    ...look(["admin"], adminHeaders, declaration.token === undefined ? admin : token),
    ...(declaration.token === undefined ? [] : look(["token"], declaration.token, admin)),
    ...look(["mint"], mint, ["name", "nameWord", "scopes", ...(newSecret === undefined ? [] : ["key"])]),
    ...look(["list"], list, []),
    ...look(["verify"], verify, key),
    ...look(["revoke"], revoke, ["keyId"]),
    ...(quarantine === undefined
      ? []
      : [
          ...look(["quarantine", "disable"], quarantine.disable, ["keyId"]),
          ...look(["quarantine", "restore"], quarantine.restore, ["keyId"]),
        ]),
  ];
}

function mistakesOf(templates: Templates, words: readonly string[]): readonly TemplateMistake[] {
  const { path, query = {}, body, form = {}, headers = {} } = templates;
  const inUrl = [{ path: ["path"], text: path }, ...textsIn(query, ["query"])];
  const inside = [
    ...(body === undefined ? [] : textsIn(body, ["body"])),
    ...textsIn(form, ["form"]),
    ...textsIn(headers as TemplateJson, ["headers"]),
  ];
  const wrong = (text: string, isUrl: boolean): string | undefined =>
    variablesIn(text)
      .map((word) => whyNot(word, { words, isUrl }))
      .find((why) => why !== undefined);
  return [
    ...inUrl.map(({ path: at, text }) => ({ path: at, message: wrong(text, true) })),
    ...inside.map(({ path: at, text }) => ({ path: at, message: wrong(text, false) })),
  ].filter((mistake): mistake is TemplateMistake => mistake.message !== undefined);
}

function whyNot(
  word: string,
  { words, isUrl }: { readonly words: readonly string[]; readonly isUrl: boolean },
): string | undefined {
  if (isUrl && credentials.has(word)) {
    return `{{${word}}} is allowed only in a header or a body: addresses are written into logs on their way`;
  }
  if (words.includes(word)) return undefined;
  const known = words.length === 0 ? "none is known here" : `known here: ${words.join(", ")}`;
  const meant = nearest(word, words);
  const hint = meant === undefined ? known : `did you mean {{${meant}}}?`;
  return `{{${word.slice(0, 64)}}} is no variable of this request; ${hint}`;
}

interface PlacedText {
  readonly path: readonly (string | number)[];
  readonly text: string;
}

function textsIn(template: TemplateJson, path: readonly (string | number)[]): readonly PlacedText[] {
  if (typeof template === "string") return [{ path, text: template }];
  if (typeof template !== "object" || template === null) return [];
  if (isList(template)) return template.flatMap((each, index) => textsIn(each, [...path, index]));
  return Object.entries(template).flatMap(([name, each]) => textsIn(each, [...path, name]));
}
