import type { Mapped } from "../core/copies/map.ts";
import { CliFailure, exitCodes } from "./command.ts";

export const languages = ["ts", "python"] as const;
export type Language = (typeof languages)[number];

/** One variable of the consumer's environment, and where its value comes from. */
interface Setting {
  readonly name: string;
  readonly from: string;
}

/** A secret that the consumer reads itself. */
interface Source {
  readonly name: string;
  readonly reference: string;
  readonly field?: string | undefined;
}

interface Asked {
  readonly consumer: string;
  readonly settings: readonly Setting[];
  readonly sources: readonly Source[];
}

/** Code that reads what this consumer gets, with a type for it: a name that is missing ends the program as it starts. */
export function typedSettings(
  consumer: string,
  { rows, language }: { readonly rows: readonly Mapped[]; readonly language: Language },
): readonly string[] {
  const asked = { consumer, settings: settingsOf(rows), sources: sourcesOf(rows) };
  return language === "ts" ? typescript(asked) : python(asked);
}

function settingsOf(rows: readonly Mapped[]): readonly Setting[] {
  const settings = new Map<string, string>();
  for (const { copy, secret } of rows) {
    if (copy === undefined) continue;
    if (!/^[A-Za-z_]\w*$/.test(copy.as))
      throw new CliFailure(
        `${copy.as} at ${copy.to} is no name of a variable, so a program has no setting for it`,
        {
          ...{ hint: "give the copy a name of letters, digits and _", exitCode: exitCodes.usage },
        },
      );
    const known = settings.get(copy.as);
    const place = `${secret} at ${copy.to}`;
    settings.set(copy.as, known === undefined ? place : `${known}, ${place}`);
  }
  return [...settings].map(([name, from]) => ({ name, from }));
}

function sourcesOf(rows: readonly Mapped[]): readonly Source[] {
  return rows.flatMap(({ copy, secret: name, secretArn: reference, field }) =>
    copy === undefined ? [{ name, reference, field }] : [],
  );
}

const again = "make it again after a change of rekey.yml";

/** A JSON text is a literal in both languages: names, places and references have no letters that differ. */
const literal = (text: string): string => JSON.stringify(text);

// ---- TypeScript ------------------------------------------------------------------------------------------------

function typescript({ consumer, settings, sources }: Asked): readonly string[] {
  const head = `// Made by \`rekey map --typed ts ${consumer}\`: ${again}.`;
  return [
    head,
    ...(settings.length === 0 ? [] : typescriptSettings({ consumer, settings })),
    ...(sources.length === 0 ? [] : typescriptSources(sources)),
  ];
}

function typescriptSettings({ consumer, settings }: Pick<Asked, "consumer" | "settings">): readonly string[] {
  return [
    "",
    `/** What ${consumer} gets in its environment. */`,
    "export interface Settings {",
    ...settings.flatMap(({ name, from }) => [`  /** ${from} */`, `  readonly ${name}: string;`]),
    "}",
    "",
    "const names = [",
    ...settings.map(({ name }) => `  ${literal(name)},`),
    "] as const satisfies readonly (keyof Settings)[];",
    "",
    "/** Throws with every name that is missing or empty, and never with a value. A log shows no value either. */",
    "export function readSettings(",
    "  from: Readonly<Record<string, string | undefined>> = process.env,",
    "): Settings {",
    '  const missing = names.filter((name) => (from[name] ?? "") === "");',
    '  if (missing.length > 0) throw new Error("missing settings: " + missing.join(", "));',
    '  const settings = Object.fromEntries(names.map((name) => [name, from[name] ?? ""])) as Record<',
    "    keyof Settings,",
    "    string",
    "  >;",
    '  const hidden = { value: () => "[settings]" };',
    '  const shown = { toJSON: hidden, [Symbol.for("nodejs.util.inspect.custom")]: hidden };',
    "  return Object.freeze(Object.defineProperties(settings, shown));",
    "}",
  ];
}

function typescriptSources(sources: readonly Source[]): readonly string[] {
  return [
    "",
    "/** The secrets that it reads itself. */",
    "export const secrets = {",
    ...sources.flatMap(({ name, reference, field }) => [
      `  ${literal(name)}: {`,
      `    reference: ${literal(reference)},`,
      ...(field === undefined ? [] : [`    field: ${literal(field)},`]),
      "  },",
    ]),
    "} as const;",
  ];
}

// ---- Python ----------------------------------------------------------------------------------------------------

const pythonKeywords = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from " +
    "global if import in is lambda nonlocal not or pass raise return try while with yield"
  ).split(" "),
);

function python({ consumer, settings, sources }: Asked): readonly string[] {
  return [
    `# Made by \`rekey map --typed python ${consumer}\`: ${again}.`,
    "import os",
    "from dataclasses import dataclass",
    "from typing import Mapping, Optional",
    ...(settings.length === 0 ? [] : pythonSettings({ consumer, settings })),
    ...(sources.length === 0 ? [] : pythonSources(sources)),
  ];
}

function pythonSettings({ consumer, settings }: Pick<Asked, "consumer" | "settings">): readonly string[] {
  const fieldOf = ({ name }: Setting) => (pythonKeywords.has(name) ? `${name}_` : name);
  return [
    ...["", ""],
    "@dataclass(frozen=True, repr=False)",
    "class Settings:",
    `    """What ${consumer} gets in its environment. It has no repr, so a log shows no value."""`,
    "",
    ...settings.map((each) => `    ${fieldOf(each)}: str  # ${each.from}`),
    ...["", ""],
    "def read_settings(source: Optional[Mapping[str, str]] = None) -> Settings:",
    '    """Raises with every name that is missing or empty, and never with a value."""',
    "    values = os.environ if source is None else source",
    "    names = {",
    ...settings.map((each) => `        ${literal(fieldOf(each))}: ${literal(each.name)},`),
    "    }",
    "    missing = [name for name in names.values() if not values.get(name)]",
    "    if missing:",
    '        raise KeyError("missing settings: " + ", ".join(missing))',
    "    return Settings(**{field: values[name] for field, name in names.items()})",
  ];
}

function pythonSources(sources: readonly Source[]): readonly string[] {
  return [
    ...["", ""],
    "# The secrets that it reads itself.",
    "SECRETS = {",
    ...sources.map(({ name, reference, field }) => {
      const fields = field === undefined ? "" : `, "field": ${literal(field)}`;
      return `    ${literal(name)}: {"reference": ${literal(reference)}${fields}},`;
    }),
    "}",
  ];
}
