/** One value and the name that it has in the file. */
export interface Pulled {
  readonly name: string;
  readonly text: string;
}

/** One kind of file. Each is read by programs that we do not know, so a value that two of them read differently is refused. */
export interface Format {
  /** Where the values go if nobody says otherwise. */
  readonly path: string;
  /** The whole file. */
  write(values: readonly Pulled[], about: string): string;
  /** The names in a file of this kind. */
  namesIn(text: string): readonly string[];
  /** What is wrong with a name or a value; never quotes the value. */
  mistake(value: Pulled): string | undefined;
}

const variable = /^[A-Za-z_][A-Za-z0-9_]*$/;
const nameMistake = ({ name }: Pulled) =>
  variable.test(name) ? undefined : `${name} is no name of a variable: it has letters, digits and _`;

/** Letters that no shell and no reader of .env files takes for anything else. */
const plain = /^[A-Za-z0-9_.:/+=@%,-]+$/;

const env: Format = {
  path: ".env",
  write: (values, about) =>
    file(
      about,
      values.map(({ name, text }) => `${name}=${envQuoted(text) ?? ""}`),
    ),
  namesIn: (text) => matches(text, /^(?:export\s+)?([A-Za-z_]\w*)=/gm),
  mistake: (value) =>
    nameMistake(value) ??
    (envQuoted(value.text) === undefined
      ? `${value.name} has letters that programs read differently from a .env file: take --format json or shell`
      : undefined),
};

/**
 * Readers of .env files agree on a plain word, on single quotes without ' and \, and on double quotes without ", \, $
 * and `: dotenv, Node, python-dotenv, Docker Compose and sh differ on all else.
 */
function envQuoted(text: string): string | undefined {
  if (plain.test(text)) return text;
  // python-dotenv puts a variable's value for ${NAME} even in single quotes.
  if (/[\p{Cc}\u2028\u2029]|\$\{/u.test(text)) return undefined;
  if (!/['\\]/.test(text)) return `'${text}'`;
  return /["\\$`]/.test(text) ? undefined : `"${text}"`;
}

const shell: Format = {
  path: "secrets.sh",
  write: (values, about) =>
    file(
      about,
      values.map(({ name, text }) => `export ${name}='${text.replaceAll("'", `'\\''`)}'`),
    ),
  namesIn: (text) => matches(text, /^export\s+([A-Za-z_]\w*)=/gm),
  mistake: (value) => nameMistake(value) ?? nulMistake(value),
};

const tfvars: Format = {
  path: "secrets.auto.tfvars",
  write: (values, about) =>
    file(
      about,
      values.map(({ name, text }) => `${name} = "${hclEscaped(text)}"`),
    ),
  namesIn: (text) => matches(text, /^\s*([A-Za-z_][\w-]*)\s*=/gm),
  mistake: nameMistake,
};

/** HCL takes `${` and `%{` for the beginning of an expression. */
function hclEscaped(text: string): string {
  return text
    .replace(/[\\"]/g, (letter) => `\\${letter}`)
    .replace(/[$%]\{/g, (opening) => `${opening[0]}${opening}`)
    .replace(
      /[\p{Cc}\u2028\u2029]/gu,
      (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
}

const json: Format = {
  path: "secrets.json",
  write: (values) =>
    `${JSON.stringify(Object.fromEntries(values.map(({ name, text }) => [name, text])), undefined, 2)}\n`,
  namesIn: jsonNames,
  mistake: ({ name }) => (name === "__proto__" ? "__proto__ is no name of a value" : undefined),
};

function jsonNames(text: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? Object.keys(value) : [];
  } catch {
    return []; // a parser's message quotes the text
  }
}

function nulMistake({ name, text }: Pulled): string | undefined {
  return text.includes("\0") ? `${name} has a NUL, which no environment can hold` : undefined;
}

function file(about: string, lines: readonly string[]): string {
  return `${[`# ${about}`, ...lines].join("\n")}\n`;
}

function matches(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map(([, name = ""]) => name);
}

export const formats: Readonly<Record<string, Format>> = { env, tfvars, json, shell };
