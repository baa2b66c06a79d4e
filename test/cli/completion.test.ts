import { execFileSync } from "node:child_process";
import { commandTable } from "../../cli/command-table.ts";
import { adminWorld } from "../contract/admin-world.ts";
import { rekey } from "./cli-world.ts";

/** What bash offers after these words. */
async function offered(...typed: readonly string[]): Promise<readonly string[]> {
  const { out } = await rekey(adminWorld(), "completion bash");
  const words = ["rekey", ...typed].map((word) => JSON.stringify(word)).join(" ");
  const ask = `COMP_WORDS=(${words}); COMP_CWORD=${typed.length}; _rekey; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", `${out}\n${ask}`], { encoding: "utf8" })
    .trim()
    .split("\n");
}

test("bash completes commands, sub-commands and their options", async () => {
  expect(await offered("")).toEqual(expect.arrayContaining(["apply", "doctor", "completion", "--json"]));
  expect(await offered("sta")).toEqual(["status"]);
  expect(await offered("incident", "wa")).toEqual(["waive"]);
  const everywhere = ["--version", "--json", "--stage", "--region", "--profile"];
  expect(await offered("rotate", "billing-key", "--")).toEqual(["--reason", "--wait", ...everywhere]);
  expect(await offered("incident", "note", "--rea")).toEqual(["--reason"]);
});

test("fish and zsh get a script with every command", async () => {
  const fish = await rekey(adminWorld(), "completion fish");
  const zsh = await rekey(adminWorld(), "completion zsh");

  for (const { name } of commandTable) {
    expect(fish.out).toContain(`-a ${name} -d `);
    expect(zsh.out).toContain(name);
  }
  expect(zsh.out).toMatch(/^autoload -U \+X bashcompinit/);
  expect(fish.out).toContain(
    "-n '__fish_seen_subcommand_from incident; and __fish_seen_subcommand_from note' -l reason",
  );
});

test("a shell that is not known is wrong usage", async () => {
  const { code, err } = await rekey(adminWorld(), "completion tcsh");

  expect([code, err]).toEqual([
    2,
    'rekey: error: there is no completion for "tcsh"\nrekey: hint: it is one of bash, zsh, fish',
  ]);
});

test("each row of the table loads the command of its name", async () => {
  for (const { name, does } of commandTable) {
    const { code, out } = await rekey(adminWorld(), `${name} --help`);
    expect([name, code, out.split("\n")[0]]).toEqual([
      name,
      0,
      expect.stringContaining(`Usage: rekey ${name}`),
    ]);
    expect(out.replaceAll(/\s+/g, " ")).toContain(does);
  }
});
