import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../bin/rekey.mjs", import.meta.url));

/** As installed: its own process, and no AWS anywhere near. */
function rekey(args: readonly string[], env: Record<string, string | undefined> = {}) {
  const nowhere = {
    PATH: process.env["PATH"] ?? "",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_REGION: "eu-west-1",
    REKEY_TABLE: "rekey",
  };
  return spawnSync(process.execPath, [bin, ...args], { encoding: "utf8", env: { ...nowhere, ...env } });
}

test("help is shown without a cloud", () => {
  const { status, stdout, stderr } = rekey(["--help"]);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(stdout).toContain("Usage: rekey");
});

test("a reader that has seen enough ends it silently", () => {
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
    /^rekey: error: nothing answers at 127\.0\.0\.1:1: the ledger is not available now \(Query, ECONNREFUSED 127\.0\.0\.1:1\)\nrekey: hint: check AWS_REGION/,
  );
  expect(JSON.parse(stdout)).toMatchObject({ type: "error", error: "StoreUnavailable" });
});

test("a file without an end is given up, in words", () => {
  const { status, stderr } = rekey(["report", "/dev/zero"]);

  expect([status, stderr]).toEqual([2, "rekey: error: /dev/zero has more than 67108864 bytes\n"]);
});

test.each([
  [undefined, "Region is missing"],
  ["", 'Region not accepted: region="" is not a valid hostname component'],
])("a Region that is %j is told from a ledger that does not answer", (region, message) => {
  const { status, stderr } = rekey(["incident", "list"], { AWS_REGION: region, HOME: "/nonexistent" });

  expect([status, stderr]).toEqual([3, `rekey: error: ${message}\nrekey: hint: set AWS_REGION\n`]);
});

test("a missing table is distinguished from one that does not answer", async () => {
  const server = createServer((_, response) => {
    response.writeHead(400, { "content-type": "application/x-amz-json-1.0" });
    response.end(JSON.stringify({ __type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException" }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const env = {
    ...{ PATH: process.env["PATH"] ?? "", AWS_REGION: "eu-west-1", REKEY_TABLE: "rekey" },
    ...{ AWS_ACCESS_KEY_ID: "AKIAFAKE", AWS_SECRET_ACCESS_KEY: "FAKE" },
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
  };
  try {
    const stderr = await new Promise<string>((resolve) => {
      execFile(process.execPath, [bin, "incident", "list"], { env }, (_, __, text) => resolve(text));
    });

    expect(stderr).toBe(
      "rekey: error: the ledger refused Query with ResourceNotFoundException\n" +
        "rekey: hint: there is no such table: check REKEY_TABLE, AWS_REGION and AWS_PROFILE\n",
    );
  } finally {
    server.close();
  }
}, 60_000);
