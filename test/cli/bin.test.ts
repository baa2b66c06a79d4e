import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../bin/rekey.mjs", import.meta.url));

/** As installed: its own process, and no AWS anywhere near. */
function rekey(args: readonly string[], env: Record<string, string> = {}) {
  const nowhere = {
    PATH: process.env["PATH"] ?? "",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_REGION: "eu-west-1",
  };
  return spawnSync(process.execPath, [bin, ...args], { encoding: "utf8", env: { ...nowhere, ...env } });
}

test("help is shown without a cloud", () => {
  const { status, stdout, stderr } = rekey(["--help"]);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(stdout).toContain("Usage: rekey");
});

test("a reader that has seen enough ends it without a word", () => {
  const script = '{ "$0" "$1" --help; echo "exit code $?" >&2; } | true';
  const { stderr } = spawnSync("sh", ["-c", script, process.execPath, bin], { encoding: "utf8" });

  expect(stderr).toBe("exit code 0\n");
});

test("a ledger that does not answer makes the exit code 3, with a hint and no stack", () => {
  const env = {
    AWS_ENDPOINT_URL: "http://127.0.0.1:1",
    AWS_ACCESS_KEY_ID: "AKIAFAKE",
    AWS_SECRET_ACCESS_KEY: "FAKE",
  };
  const { status, stderr, stdout } = rekey(["status", "--json"], { ...env, AWS_MAX_ATTEMPTS: "1" });
  expect(status).toBe(3);
  expect(stderr).toMatch(
    /^rekey: error: the ledger is not available now \(Query, \w+\)\nrekey: hint: check AWS_REGION/,
  );
  expect(JSON.parse(stdout)).toMatchObject({ type: "error", error: "StoreUnavailable" });
});
