import { readFileSync } from "node:fs";
import { handlerFiles } from "../../serverless/handlers.ts";

const folder = new URL("../../functions/", import.meta.url);
/** Sources of evidence belong to the steps that ask them; the rest stands behind ports. */
const inside = /\/(functions|consumers)\/[\w./-]+\.ts$/;
/** Adapters are behind the ports that the code calls; the wirings build everything for everyone. */
const leftOut = /\/functions\/(adapters\/[\w/-]+|wiring\/base)\.ts$/;

interface Source {
  /** Each top-level declaration's text, by name. */
  readonly declarations: ReadonlyMap<string, string>;
  /** Where an imported name is declared. */
  readonly imports: ReadonlyMap<string, { readonly file: URL; readonly name: string }>;
}

const sources = new Map<string, Source>();

function sourceOf(file: URL): Source {
  const known = sources.get(file.href);
  if (known !== undefined) return known;
  const text = readFileSync(file, "utf8");
  const source = { declarations: declarationsIn(text), imports: importsIn(text, file) };
  sources.set(file.href, source);
  return source;
}

/** The formatter starts every top-level declaration, and nothing inside of one, in the first column. */
function declarationsIn(text: string): ReadonlyMap<string, string> {
  const starts = /^(?=(?:export )?(?:async )?(?:const|function\*?|class) \w+)/m;
  const parts = text.split(starts).map((part) => {
    const [, name = ""] = /^(?:export )?(?:async )?(?:const|function\*?|class) (\w+)/.exec(part) ?? [];
    return [name, part] as const;
  });
  return new Map(parts.filter(([name]) => name !== ""));
}

const importForms = [
  /^import \{(?<names>[^}]*)\} from "(?<path>\.[^"]+)"/gm,
  /\(await import\("(?<path>\.[^"]+)"\)\)\.(?<names>\w+)/g,
];

function importsIn(text: string, file: URL): Source["imports"] {
  const found = importForms.flatMap((form) => [...text.matchAll(form)]);
  return new Map(
    found.flatMap(({ groups: { names = "", path = "" } = {} }) =>
      names
        .split(",")
        .map((each) => each.trim())
        .filter((each) => each !== "" && !each.startsWith("type "))
        .map((each) => {
          const [name = "", local = name] = each.split(" as ");
          return [local, { file: new URL(path, file), name }] as const;
        }),
    ),
  );
}

/** All code in functions/ that a handler can reach, declaration by declaration: what its role is for. */
export function codeBehind(functionName: string): string {
  const reached = new Map<string, string>();
  const visit = (file: URL, name: string): void => {
    const id = `${file.href}#${name}`;
    if (reached.has(id) || !inside.test(file.href) || leftOut.test(file.href)) return;
    const { declarations, imports } = sourceOf(file);
    const text = declarations.get(name);
    if (text === undefined) return;
    reached.set(id, text);
    for (const [word] of text.matchAll(/\b[A-Za-z]\w*\b/g)) {
      const imported = imports.get(word);
      if (imported !== undefined) visit(imported.file, imported.name);
      else if (declarations.has(word)) visit(file, word);
    }
  };
  visit(new URL(handlerFiles().get(functionName) ?? "", folder), "handler");
  return [...reached.values()].join("\n");
}
