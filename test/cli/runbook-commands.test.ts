import { readdirSync, readFileSync } from "node:fs";
import { run } from "../../cli/program.ts";

const folder = new URL("../../docs/runbooks/", import.meta.url);
const pages = readdirSync(folder).filter((name) => name.endsWith(".md"));
const commandsIn = (name: string) =>
  [...readFileSync(new URL(name, folder), "utf8").matchAll(/^ *(rekey .*)$/gm)].map(([, line = ""]) => line);
const commands = [...new Set(pages.flatMap(commandsIn))];

/** What `--help` says of the command behind these words. */
async function helpOf(words: readonly string[]): Promise<string | undefined> {
  const out: string[] = [];
  const terminal = {
    ...{ isColoured: false, out: (line: string) => void out.push(line), err: () => undefined },
    ...{ readHidden: async () => "", readFile: async () => "" },
  };
  const code = await run([...words, "--help"], {
    terminal,
    connect: () => Promise.reject(new Error("not reached")),
  });
  return code === 0 ? out.join("\n") : undefined;
}

test("runbooks hold commands to copy", () => {
  expect(commands.length).toBeGreaterThan(15);
});

test.each(commands)("`%s` is a command of this CLI with these options", async (line) => {
  const words = line
    .replace(/'[^']*'/g, "TEXT")
    .split(" ")
    .slice(1);
  const names = words.filter((word) => /^[a-z][a-z-]*$/.test(word));
  const depth = ["incident", "audit"].includes(names[0] ?? "") ? 2 : 1;
  const command = names.slice(0, depth);
  const help = await helpOf(command);

  expect(help).toContain(`Usage: rekey ${command.join(" ")}`);
  for (const option of words.filter((word) => word.startsWith("--"))) expect(help).toContain(option);
});
