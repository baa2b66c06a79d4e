import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { declaredFake } from "../../providers/http/fake.ts";
import { httpPlan } from "../../providers/http/settings.ts";
import { adminWorld, fileWith } from "../contract/admin-world.ts";
import { rekey } from "./cli-world.ts";

const page = readFileSync(new URL("../../docs/providers/declared.md", import.meta.url), "utf8");
const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
const files = { "rekey.yml": example };
const { kind: _, ...settings } = parse(example).providers.gateway;

describe("rekey provider test", () => {
  test("tries a declaration on a stand-in, from the first key to its death", async () => {
    const shown = await rekey(adminWorld(), "provider test gateway", { files });
    expect(shown.code).toBe(0);
    expect(shown.out.split("\n").map((line) => line.trim())).toEqual([
      "ok  a made-up key is refused",
      "ok  a made-up admin credential is refused",
      "ok  a key is made",
      "ok  it is listed by its name",
      "ok  it is valid",
      "ok  it is disabled and restored",
      "ok  it is deleted",
      "ok  a second deletion finds it gone",
      "ok  it is refused",
      "9 checks of gateway, 0 failed",
    ]);
  });

  test("against a server tries only refusals, until it is given a credential", async () => {
    const fake = declaredFake(httpPlan(settings))();
    const server = await fake.listen();
    try {
      const line = `provider test gateway --against ${server.origin}`;
      const without = await rekey(adminWorld(), `${line} --json`, { files });
      expect(without.code).toBe(0);
      expect(without.json()["checks"]).toMatchObject([
        { outcome: "ok" },
        { outcome: "ok" },
        { outcome: "skipped", detail: "needs a working admin credential: --credential" },
      ]);
      expect(fake.state()).toEqual([]);

      const shown = await rekey(adminWorld(), `${line} --credential`, { files, stdin: `${fake.adminKey}\n` });
      expect(shown.code).toBe(0);
      expect(fake.state()).toMatchObject([{ isListed: false }]);
      expect(shown.out).not.toContain(fake.adminKey);
    } finally {
      await server.close();
    }
  });

  test("says what is wrong when the server does not speak the declaration", async () => {
    const fake = declaredFake(httpPlan(settings))();
    const server = await fake.listen();
    try {
      fake.inject({ kind: "says", on: "verify", status: 401, json: { error: "nope" } });
      const shown = await rekey(adminWorld(), `provider test gateway --against ${server.origin}`, { files });
      expect(shown.code).toBe(1);
      expect(shown.out).toContain("verify says inconclusive: look at the rows of the verify table");
    } finally {
      await server.close();
    }
  });

  test.each([
    ["provider test other", /no provider called other.*it has gateway/s],
    ["provider test gateway --credential", /--credential needs --against/],
    ["provider test gateway --file none.yml", /cannot read none.yml/],
  ])("%s", async (line, message) => {
    const shown = await rekey(adminWorld(), line, { files });
    expect([shown.code, shown.err]).toEqual([2, expect.stringMatching(message)]);
  });

  test("sends a provider that is code to its own tests", async () => {
    const file = fileWith({ secrets: { "billing-key": "" } });
    const shown = await rekey(adminWorld(), "provider test main", { files: { "rekey.yml": file } });
    expect([shown.code, shown.err]).toEqual([1, expect.stringContaining("npx jest test/contract/openai")]);
  });
});
