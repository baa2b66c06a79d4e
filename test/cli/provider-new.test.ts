import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newProvider } from "../../cli/new-provider.ts";

const repository = new URL("../../", import.meta.url).pathname;
let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "rekey-new-provider-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function checkout(): void {
  mkdirSync(join(root, "providers"));
  cpSync(join(repository, "providers/index.ts"), join(root, "providers/index.ts"));
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

  test("sends somebody without a checkout to a declaration", async () => {
    await expect(newProvider("acme", root)).rejects.toThrow("no checkout of Rekey");
  });
});
