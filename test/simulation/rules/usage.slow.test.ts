import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function call(script: string, flags: readonly string[]): Promise<Said> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, ["--no-warnings", file, ...flags], (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

test.each(["../run/simulate.ts", "../run/bites.ts"])("%s says how it is used", async (script) => {
  const { code, stdout, stderr } = await call(script, ["--help"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^usage: npm run simulate/);
  expect(stdout).toContain("Exit codes: 0 ");
  expect(stderr).toBe("");
});

test.each([
  ["../run/simulate.ts", ["--seed", "x"], '--seed is "x", which is not a whole number from 0'],
  ["../run/simulate.ts", ["--seeds", "-3"], "Option '--seeds' argument is ambiguous"],
  ["../run/simulate.ts", ["--seeds", "0", "--no-matrix"], "there is nothing to run: no seed and no matrix"],
  ["../run/simulate.ts", ["--point", "999999"], "there is nothing to run: the matrix has no point 999999"],
  [
    "../run/simulate.ts",
    ["--point", "1", "--seed", "1"],
    "--point is a run of its own, without --seed and --seeds",
  ],
  ["../run/simulate.ts", ["--history"], "--history is of one run: name it with --seed or --point"],
  ["../run/bites.ts", ["--only", "no such bug"], 'no planted bug is called "no such bug"'],
] as const)("%s %j is refused in two lines, and is no green run", async (script, flags, message) => {
  const { code, stdout, stderr } = await call(script, flags);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr.split("\n")).toEqual([
    `rekey: error: ${message}`,
    expect.stringMatching(/^rekey: hint: /),
    "",
  ]);
});
