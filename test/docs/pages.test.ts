import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const leftOut = new Set(["node_modules", "dist", ".git", ".serverless", "coverage"]);

function pagesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return leftOut.has(entry.name) ? [] : pagesBelow(path);
    return entry.name.endsWith(".md") ? [relative(root, path)] : [];
  });
}

const pages = pagesBelow(root);
const commandPages = pages.filter((page) => !page.endsWith("CHANGELOG.md"));
const textOf = (page: string) => readFileSync(join(root, page), "utf8");
/** A link in an example is text. */
const proseOf = (text: string) => text.replace(/^```.*?^```/gms, "").replace(/`[^`\n]*`/g, "");

/** As GitHub makes a heading's anchor, with the anchors that a page makes itself. */
function anchorsIn(text: string): ReadonlySet<string> {
  const headings = [...text.replace(/^```.*?^```/gms, "").matchAll(/^#{1,6} (.+)$/gm)].map(
    ([, heading = ""]) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(/\s/g, "-"),
  );
  const own = [...text.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, id = ""]) => id);
  return new Set([...headings, ...own]);
}

test.each(pages)("every link of %s leads to a file or a heading that exists", (page) => {
  const broken = [...proseOf(textOf(page)).matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)].flatMap(
    ([, target = ""]) => {
      if (/^[a-z][a-z+.-]*:/.test(target)) return [];
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      if (!existsSync(join(root, file))) return [target];
      if (anchor === undefined || statSync(join(root, file)).isDirectory() || !file.endsWith(".md"))
        return [];
      return anchorsIn(textOf(file)).has(anchor) ? [] : [target];
    },
  );
  expect(broken).toEqual([]);
});

test("every npm command in a page is one that npm, or this repository's scripts, know", () => {
  const { scripts } = JSON.parse(textOf("package.json"));
  const npmOwn = new Set(["install", "ci", "test", "start", "pack", "exec", "publish", "stage", "sbom"]);
  const unknown = commandPages.flatMap((page) =>
    [...textOf(page).matchAll(/(?:^|[\s`(&|])npm (run (?:-s )?)?([a-z][\w:-]*)/gm)].flatMap(
      ([whole, run, name = ""]) => {
        const isKnown = run === undefined ? npmOwn.has(name) : Object.hasOwn(scripts, name);
        return isKnown ? [] : [`${page}: ${whole.trim()}`];
      },
    ),
  );
  expect(unknown).toEqual([]);
});
