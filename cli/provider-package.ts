import { posix } from "node:path";
import { grouped } from "../core/grouped.ts";
import { providerFiles } from "./provider-files.ts";

/** Where an adapter outside of Rekey's repository finds what one inside imports by its place. */
const kit = "rekey-provider-kit";
const testFile = "contract.test.ts";
const importText = /^import (type )?\{([^}]*)\} from "([^"]+)";$/gm;

/** A package with the files of `providerFiles`, which import from the kit what they otherwise import from the tree. */
export function packageFiles(name: string, kitVersion: string): Readonly<Record<string, string>> {
  const sources = Object.entries(providerFiles(name)).map(([path, text]) => [
    path.startsWith("test/") ? testFile : posix.basename(path),
    path.endsWith(".ts") ? fromKit(text.replaceAll(`"../../providers/${name}/`, '"./')) : text,
  ]);
  return {
    ...Object.fromEntries(sources),
    "package.json": `${JSON.stringify(manifest(name, kitVersion), null, 2)}\n`,
    "tsconfig.json": `${JSON.stringify({ compilerOptions, include: ["*.ts"] }, null, 2)}\n`,
  };
}

function manifest(name: string, kitVersion: string) {
  return {
    name: `rekey-provider-${name}`,
    version: "0.1.0",
    private: true,
    type: "module",
    engines: { node: ">=22.18" },
    scripts: { test: `tsc && node --test ${testFile}` },
    dependencies: { [kit]: `^${kitVersion}`, zod: "^4.0.0" },
    devDependencies: {
      "@types/node": "^24.0.0",
      expect: "^30.0.0",
      typescript: ">=5.9.0",
    },
  };
}

const compilerOptions = {
  ...{ target: "es2023", module: "nodenext", types: ["node"], noEmit: true, strict: true },
  ...{ noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, verbatimModuleSyntax: true },
  ...{ allowImportingTsExtensions: true, erasableSyntaxOnly: true, skipLibCheck: false },
};

/** One import for each entry of the kit, where the first of its modules was imported. */
function fromKit(text: string): string {
  const names = new Map<string, string[]>();
  for (const [, type = "", list = "", specifier = ""] of text.matchAll(importText)) {
    const entry = entryOf(specifier);
    if (entry !== undefined) names.set(entry, [...(names.get(entry) ?? []), ...namesIn(list, type)]);
  }
  return text
    .replace(importText, (line: string, _type, _list, specifier: string) => {
      const entry = entryOf(specifier);
      if (entry === undefined) return line;
      const all = names.get(entry);
      names.delete(entry);
      return all === undefined ? "" : importOf(all, entry);
    })
    .replaceAll(/\n{2,}(?=import )/g, "\n");
}

function entryOf(specifier: string): string | undefined {
  if (specifier === "../fake-world.ts") return `${kit}/fake`;
  if (/^\.\/(?:fake-provider-world|provider-contract)\.ts$/.test(specifier)) return `${kit}/contract`;
  return specifier.startsWith("../") ? kit : undefined;
}

/** `type` stands before each name, because an import of several modules may have both. */
function namesIn(list: string, type: string): readonly string[] {
  return list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")
    .map((name) => (type === "" || name.startsWith("type ") ? name : `type ${name}`));
}

function importOf(names: readonly string[], specifier: string): string {
  const types = names.every((name) => name.startsWith("type "));
  const listed = [...names].sort((one, other) => bare(one).localeCompare(bare(other)));
  if (types) return `import type { ${listed.map(bare).join(", ")} } from "${specifier}";`;
  return `import { ${listed.join(", ")} } from "${specifier}";`;
}

const bare = (name: string) => name.replace(/^type /, "");

/** By name, the file of the tree that it comes from, read from the entries of the kit. */
export type KitModules = ReadonlyMap<string, string>;

const exportText = /^export (?:type )?\{([^}]*)\} from "\.\.\/([^"]+)";$/gm;

export function kitModules(entries: readonly string[]): KitModules {
  return new Map(
    entries.flatMap((text) =>
      [...text.matchAll(exportText)].flatMap(([, list = "", path = ""]) =>
        namesIn(list, "").map((name) => [bare(name), path] as const),
      ),
    ),
  );
}

/**
 * The files of a package as they stand in a checkout: in providers/ and test/contract/, importing by place. Throws where an
 * import of the kit cannot be taken over.
 */
export function treeFiles(
  name: string,
  { files, modules }: { readonly files: Readonly<Record<string, string>>; readonly modules: KitModules },
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(files).map(([file, text]) => {
      const path = file === testFile ? `test/contract/${name}.test.ts` : `providers/${name}/${file}`;
      if (!file.endsWith(".ts")) return [path, text];
      const own = file === testFile ? text.replaceAll(' from "./', ` from "../../providers/${name}/`) : text;
      return [path, fromTree(own, { path, modules })];
    }),
  );
}

function fromTree(
  text: string,
  { path, modules }: { readonly path: string; readonly modules: KitModules },
): string {
  const placed = text.replace(importText, (line: string, type = "", list: string, specifier: string) => {
    if (specifier !== kit && !specifier.startsWith(`${kit}/`)) return line;
    const byModule = grouped(namesIn(list, type), (each) => {
      const [exported = ""] = bare(each).split(" as ");
      const from = modules.get(exported);
      if (from === undefined)
        throw new Error(`${posix.basename(path)} imports ${exported}, which the kit has not`);
      return from;
    });
    return [...byModule].map(([from, names]) => importOf(names, relative(path, from))).join("\n");
  });
  if (/["']rekey-provider-kit/.test(placed))
    throw new Error(
      `${posix.basename(path)} imports the kit in another form than import { names } from "${kit}"`,
    );
  return placed;
}

function relative(path: string, target: string): string {
  const found = posix.relative(posix.dirname(path), target);
  return found.startsWith(".") ? found : `./${found}`;
}
