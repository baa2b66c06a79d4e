import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CliFailure, exitCodes, type Shown } from "./command.ts";
import { constantOf, providerFiles } from "./provider-files.ts";

const nameText = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

/** Writes the files of a provider that is code into the checkout at `root`, and its lines into the registry. */
export async function newProvider(name: string, root = process.cwd()): Promise<Shown> {
  if (!nameText.test(name) || name.length > 32) {
    throw new CliFailure("a provider's name is lower case, words joined by -", { exitCode: exitCodes.usage });
  }
  const registry = join(root, "providers/index.ts");
  if (!existsSync(registry)) {
    throw new CliFailure("this folder is no checkout of Rekey: it has no providers/index.ts", {
      hint: "without a checkout, declare the provider in rekey.yml: docs/providers/declared.md",
      exitCode: exitCodes.usage,
    });
  }
  const files = providerFiles(name);
  const there = Object.keys(files).find((path) => existsSync(join(root, path)));
  if (there !== undefined) throw new CliFailure(`${there} exists already, and nothing was written`);

  const listed = withProvider(await readFile(registry, "utf8"), name);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), text);
  }
  await writeFile(registry, listed);
  const next = `its API is invented: put the real one in its place, and keep \`npx jest test/contract/${name}\` green`;
  return {
    json: { type: "provider-new", name, files: [...Object.keys(files), "providers/index.ts"] },
    lines: [...Object.keys(files), "providers/index.ts", next],
  };
}

/** One import and one line of the list; the formatter puts them into their order. */
function withProvider(registry: string, name: string): string {
  const constant = constantOf(name);
  const list = /(export const issuers[^=]*= \[\n)/;
  if (!list.test(registry)) throw new CliFailure("providers/index.ts has no list of issuers");
  return `import { ${constant} } from "./${name}/index.ts";\n${registry.replace(list, `$1  ${constant},\n`)}`;
}
