import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { CliFailure, exitCodes, type Shown } from "./command.ts";
import manifest from "./package.json" with { type: "json" };
import { constantOf, providerFiles } from "./provider-files.ts";
import { kitModules, packageFiles, treeFiles } from "./provider-package.ts";

type Files = Readonly<Record<string, string>>;

const nameText = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const filesMax = 50;
const fileBytesMax = 256 * 1024;

/** Writes the files of a provider that is code: into the checkout at `root`, or as a package where there is none. */
export async function newProvider(name: string, root = process.cwd()): Promise<Shown> {
  checkName(name);
  if (isCheckout(root)) {
    const files = providerFiles(name);
    await intoCheckout(name, { files, root });
    return shown(name, {
      files: [...Object.keys(files), "providers/index.ts"],
      next: `its API is invented: put the real one in its place, and keep \`npx jest test/contract/${name}\` green`,
    });
  }
  if (existsSync(join(root, name))) throw new CliFailure(`${name} exists already, and nothing was written`);
  const files = Object.entries(packageFiles(name, manifest.version)).map(([file, text]) => [
    `${name}/${file}`,
    text,
  ]);
  await writeAll(root, Object.fromEntries(files));
  return shown(name, {
    files: files.map(([path = ""]) => path),
    next: `its API is invented: put the real one in its place. Begin with: cd ${name} && npm install && npm test`,
  });
}

/** Copies a package that `newProvider` began into the checkout at `root`. */
export async function addProvider(given: string, root = process.cwd()): Promise<Shown> {
  if (!isCheckout(root))
    throw new CliFailure("this folder is no checkout of Rekey: it has no providers/index.ts", {
      hint: "run it in the root of a checkout, with the path of the provider's folder",
      exitCode: exitCodes.usage,
    });
  const folder = resolve(root, given);
  const name = basename(folder);
  checkName(name);
  const entries = ["index", "fake", "contract"].map((entry) =>
    readFile(join(root, `kit/${entry}.ts`), "utf8"),
  );
  const modules = kitModules(await Promise.all(entries));
  const packaged = await filesOf(folder, given);
  const files = refusing(() => treeFiles(name, { files: packaged, modules }));
  await intoCheckout(name, { files, root });
  return shown(name, {
    files: [...Object.keys(files), "providers/index.ts"],
    next: `now run: npm run format && npx jest test/contract/${name} test/tidy`,
  });
}

function checkName(name: string): void {
  if (nameText.test(name) && name.length <= 32) return;
  throw new CliFailure("a provider's name is lower case, words joined by -", { exitCode: exitCodes.usage });
}

function isCheckout(root: string): boolean {
  return existsSync(join(root, "providers/index.ts"));
}

/** The sources and the README of a provider's folder. */
async function filesOf(folder: string, given: string): Promise<Files> {
  const names = await readdir(folder).catch(() => []);
  const wanted = names.filter((name) => /^[\w.-]+\.ts$/.test(name) || name === "README.md");
  if (!wanted.includes("index.ts") || !wanted.includes("contract.test.ts"))
    throw new CliFailure(`${given} has no index.ts and contract.test.ts`, {
      hint: "name the folder that `rekey provider new` made outside of a checkout",
      exitCode: exitCodes.usage,
    });
  if (wanted.length > filesMax) throw new CliFailure(`${given} has more than ${filesMax} files`);
  const read = wanted.map(async (name) => {
    const path = join(folder, name);
    if ((await stat(path)).size > fileBytesMax)
      throw new CliFailure(`${name} is larger than ${fileBytesMax} bytes`);
    return [name, await readFile(path, "utf8")] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

function refusing(make: () => Files): Files {
  try {
    return make();
  } catch (error) {
    throw new CliFailure(error instanceof Error ? error.message : String(error));
  }
}

async function intoCheckout(name: string, { files, root }: { files: Files; root: string }): Promise<void> {
  const there = Object.keys(files).find((path) => existsSync(join(root, path)));
  if (there !== undefined) throw new CliFailure(`${there} exists already, and nothing was written`);
  const registry = join(root, "providers/index.ts");
  const listed = withProvider(await readFile(registry, "utf8"), name);
  await writeAll(root, files);
  await writeFile(registry, listed);
}

async function writeAll(root: string, files: Files): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

function shown(name: string, { files, next }: { files: readonly string[]; next: string }): Shown {
  return { json: { type: "provider-new", name, files }, lines: [...files, next] };
}

/** One import and one line of the list; the formatter puts them into their order. */
function withProvider(registry: string, name: string): string {
  const constant = constantOf(name);
  const list = /(export const issuers[^=]*= \[\n)/;
  if (!list.test(registry)) throw new CliFailure("providers/index.ts has no list of issuers");
  return `import { ${constant} } from "./${name}/index.ts";\n${registry.replace(list, `$1  ${constant},\n`)}`;
}
