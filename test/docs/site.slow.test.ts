import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sections } from "../../site/pages.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
let folder: string;

/** Built from a copy: a build in the checkout would be in the way of others that pack it. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "site-"));
  for (const part of ["docs", "site"])
    cpSync(join(root, part), join(folder, part), {
      recursive: true,
      filter: (path) => !path.includes("node_modules") && !path.includes(join(".vitepress", "cache")),
    });
  const site = join(folder, "site");
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline"], {
    cwd: site,
    stdio: "pipe",
  });
  execFileSync("npm", ["run", "build"], { cwd: site, stdio: "pipe" });
}, 400_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const page = (name: string) => readFileSync(join(folder, "dist/site", name), "utf8");

test("every page is built, with its links into the repository", () => {
  for (const name of sections.flatMap(({ pages }) => pages))
    expect(page(name.replace("README.md", "index.md").replace(/\.md$/, ".html"))).toContain("<h1");
  expect(page("index.html")).toContain('href="https://github.com/rekey-dev/rekey/blob/main/AGENTS.md"');
  expect(page("providers/declared.html")).toContain("{{admin}}");
});

test("the search works without a server: its index is a file that holds the pages' words", () => {
  const chunks = readdirSync(join(folder, "dist/site/assets/chunks"));
  const [index = ""] = chunks.filter((name) => /^@localSearchIndex/.test(name));
  expect(readFileSync(join(folder, "dist/site/assets/chunks", index), "utf8")).toContain("quarantine");
});
