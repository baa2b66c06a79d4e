import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addProvider, newProvider } from "../../cli/new-provider.ts";

const repository = new URL("../../", import.meta.url).pathname;
let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "rekey-new-provider-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function checkout(): void {
  mkdirSync(join(root, "providers"));
  cpSync(join(repository, "providers/index.ts"), join(root, "providers/index.ts"));
  cpSync(join(repository, "kit"), join(root, "kit"), {
    recursive: true,
    filter: (path) => !/dist$/.test(path),
  });
}

describe("rekey provider new", () => {
  test("writes every file of the recipe, and registers the provider once", async () => {
    checkout();
    const recipe = readFileSync(join(repository, "docs/providers/adding.md"), "utf8");
    const wanted = [...recipe.matchAll(/^\| `((?:providers|test)\/\S*<name>\S*)`/gm)].map(([, path = ""]) =>
      path.replace("<name>", "acme-cloud"),
    );
    const shown = await newProvider("acme-cloud", root);

    expect(wanted.length).toBeGreaterThan(5);
    expect(shown.json["files"]).toEqual(expect.arrayContaining(wanted));
    for (const path of wanted)
      expect(readFileSync(join(root, path), "utf8")).not.toMatch(/@(?:name|Type|constant)/);
    const registry = readFileSync(join(root, "providers/index.ts"), "utf8");
    expect(registry).toContain('import { acmeCloud } from "./acme-cloud/index.ts";');
    expect(registry.match(/^ {2}acmeCloud,$/gm)).toHaveLength(1);
  });

  test("overwrites nothing", async () => {
    checkout();
    await newProvider("acme", root);
    const before = readFileSync(join(root, "providers/index.ts"), "utf8");
    await expect(newProvider("acme", root)).rejects.toThrow("exists already");
    expect(readFileSync(join(root, "providers/index.ts"), "utf8")).toBe(before);
  });

  test.each(["../acme", "Acme", "acme_cloud", "a/b", ""])("takes no name like %p", async (name) => {
    checkout();
    await expect(newProvider(name, root)).rejects.toThrow("lower case");
  });

  test("makes a package that imports from the kit, where there is no checkout", async () => {
    const shown = await newProvider("acme", root);
    const files = shown.json["files"] as readonly string[];
    expect(files.map((file) => file.replace("acme/", "")).sort()).toEqual([
      ...["README.md", "adapter.ts", "contract.test.ts", "fake.ts", "index.ts", "package.json"],
      ...["settings.ts", "tsconfig.json", "verify-table.ts"],
    ]);
    for (const file of files.filter((each) => each.endsWith(".ts"))) {
      const specifiers = [...readFileSync(join(root, file), "utf8").matchAll(/from "([^"]+)"/g)];
      for (const [, specifier] of specifiers)
        expect(specifier).toMatch(/^(?:\.\/[\w-]+\.ts|zod|rekey-provider-kit(?:\/(?:fake|contract))?)$/);
    }
    await expect(newProvider("acme", root)).rejects.toThrow("acme exists already");
  });
});

describe("rekey provider add", () => {
  const imports = /^import (?:type )?\{([^}]*)\} from "([^"]+)";$/gm;
  /** What a file says, whatever the order and form of its imports. */
  const said = (path: string) => {
    const text = readFileSync(path, "utf8");
    const names = [...text.matchAll(imports)].flatMap(([, list = "", from]) =>
      list.split(",").map((name) => `${name.trim().replace(/^type /, "")} of ${from}`),
    );
    return { names: names.sort(), text: text.replace(imports, "").replaceAll(/\n+/g, "\n") };
  };

  async function packaged(name: string): Promise<string> {
    const outside = mkdtempSync(join(tmpdir(), "rekey-outside-"));
    await newProvider(name, outside);
    return join(outside, name);
  }

  test("gives what `new` makes in a checkout, and registers it", async () => {
    checkout();
    const folder = await packaged("acme-cloud");
    const shown = await addProvider(folder, root);

    const files = (shown.json["files"] as readonly string[]).filter((path) => path !== "providers/index.ts");
    const added = files.map((path) => [path, said(join(root, path))]);
    expect(readFileSync(join(root, "providers/index.ts"), "utf8")).toContain("./acme-cloud/index.ts");
    for (const path of files) rmSync(join(root, path));
    cpSync(join(repository, "providers/index.ts"), join(root, "providers/index.ts"));
    await newProvider("acme-cloud", root);
    expect(added).toEqual(files.map((path) => [path, said(join(root, path))]));
    expect(files).toHaveLength(7);
    rmSync(join(folder, ".."), { recursive: true });
  });

  test("refuses what it could not import by place, and writes nothing", async () => {
    checkout();
    const folder = await packaged("acme");
    writeFileSync(join(folder, "adapter.ts"), 'import * as kit from "rekey-provider-kit";\n');
    await expect(addProvider(folder, root)).rejects.toThrow("adapter.ts imports the kit in another form");
    writeFileSync(join(folder, "adapter.ts"), 'import { nothing } from "rekey-provider-kit";\n');
    await expect(addProvider(folder, root)).rejects.toThrow("imports nothing, which the kit has not");
    expect(existsSync(join(root, "providers/acme"))).toBe(false);
    rmSync(join(folder, ".."), { recursive: true });
  });

  test("says where it works, and on what", async () => {
    await expect(addProvider("acme", root)).rejects.toThrow("no checkout of Rekey");
    checkout();
    await expect(addProvider("acme", root)).rejects.toThrow("acme has no index.ts and contract.test.ts");
  });
});
