import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cloudflareFake } from "../../providers/cloudflare/fake.ts";
import type { FakeOptions, ProviderFake } from "../../providers/fake-world.ts";
import { openRouterFake } from "../../providers/openrouter/fake.ts";
import { declared, subjectOf } from "./declared-subjects.ts";

// A stand-in that only this project's adapters have called is this project's reading of an API. Here the vendors' own
// clients read and write what it says: they make a key, list it, use it, end it, and see it dead.

const run = promisify(execFile);
const folder = fileURLToPath(new URL("../vendor", import.meta.url));

/** They are no dependencies of the project: with what they bring along they are as large as all of those together. */
beforeAll(() => {
  if (existsSync(`${folder}/node_modules`)) return;
  const quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error"];
  execFileSync("npm", ["--prefix", folder, "install", ...quiet], { stdio: ["ignore", "ignore", "inherit"] });
}, 300_000);

const declaredStandIn = (name: string) => {
  const kind = declared.find((each) => each.kind === name);
  if (kind === undefined) throw new Error(`${name} is no declared provider`);
  return subjectOf(kind).fake;
};

test.each<[string, (options: FakeOptions) => ProviderFake, number | undefined]>([
  ["cloudflare", cloudflareFake, 401],
  ["openrouter", openRouterFake, 401],
  ["deepgram", declaredStandIn("deepgram"), 401],
  ["neon", declaredStandIn("neon"), 401],
  ["portkey", declaredStandIn("portkey"), 401],
  ["resend", declaredStandIn("resend"), undefined],
  ["twilio", declaredStandIn("twilio"), 401],
])(
  "%s: its own client makes a key, lists, uses and ends it, and sees it dead",
  async (kind, standIn, status) => {
    const fake = standIn({ activateMs: 0, dieMs: 0 });
    const { origin, close } = await fake.listen();
    try {
      const args = ["--no-warnings", `${folder}/drive.ts`, kind, origin, fake.adminKey];
      const { stdout } = await run(process.execPath, args, { timeout: 60_000 });
      const { id, listed, left, refused } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
      expect(listed).toContainEqual(expect.objectContaining({ id, name: "rekey/r-1" }));
      expect(left).not.toContainEqual(expect.objectContaining({ id }));
      // Where a client does not pass the status on, that it rejects has to do.
      expect(refused).toEqual(status === undefined ? expect.anything() : expect.objectContaining({ status }));
      expect(fake.state()).toContainEqual(
        expect.objectContaining({ keyId: id, isListed: false, isAccepted: false }),
      );
    } finally {
      await close();
    }
  },
  90_000,
);
