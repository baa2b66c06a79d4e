import { readdirSync, readFileSync } from "node:fs";
import { whyNotTaken } from "./printed-command.ts";

const root = new URL("../../", import.meta.url);
const pagesIn = (folder: string) =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith(".md"))
    .map((name) => folder + name);
const packages = ["cli", "sdk/client", "sdk/host", "sdk/lambda-extension", "kit", "terraform", "cdk"];
const pages = [
  ...["README.md", "release/gate/README.md", ...packages.map((folder) => `${folder}/README.md`)],
  ...["docs/", "docs/runbooks/", "docs/providers/", "docs/alert-sources/", "docs/decisions/"].flatMap(
    pagesIn,
  ),
];

/** Lines of the blocks that are there to be copied. */
function copiedFrom(page: string): readonly string[] {
  const text = readFileSync(new URL(page, root), "utf8");
  const blocks = [...text.matchAll(/^ *```(?:sh|console)\n([\s\S]*?)^ *```$/gm)].map(
    ([, block = ""]) => block,
  );
  const lines = blocks
    .join("")
    .replace(/ *\\\n */g, " ")
    .split("\n");
  // What a shell leaves out before it calls the program: a comment, and where the output goes.
  const asCalled = (line: string) =>
    line
      .replace(/^\$ /, "")
      .replace(/^npx (?:rekey-cli|rekey) /, "rekey ")
      .replace(/ +#.*$/, "")
      .replace(/ +> \S+$/, "")
      .trim();
  return lines
    .map((line) => asCalled(line.trim()))
    .filter((line) => line.startsWith("rekey ") && !/^rekey (?:exec|agent|--)/.test(line));
}

const commands = [...new Set(pages.flatMap(copiedFrom))];

test("runbooks hold commands to copy", () => {
  expect(commands.length).toBeGreaterThan(25);
});

test.each(commands)("`%s` is a whole command of this CLI", async (line) => {
  expect(await whyNotTaken(line)).toBeUndefined();
});

test.each([
  ["rekey incident contain-now INCIDENT", "required option"],
  ["rekey incident vanish INCIDENT", "unknown command"],
  ["rekey rotate SECRET --faster", "unknown option"],
  ["rekey incident show", "missing required argument"],
])("`%s` would not pass", async (line, why) => {
  expect(await whyNotTaken(line)).toContain(why);
});
