import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { LeakSummary, TroubleSummary } from "../../local/fanout/trial.ts";

const run = promisify(execFile);
const start = fileURLToPath(new URL("../../local/start.ts", import.meta.url));

test("npm start -- fanout moves a key at nine places of all four classes, also while four are in trouble, and no request fails", async () => {
  const { stdout } = await run(process.execPath, ["--no-warnings", start, "fanout", "--json"]);
  const summary = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");

  expect(summary).toMatchObject({
    ...{ type: "fanout", outcome: "rotated", secret: "vault://main/app/billing#api_key" },
    ...{ failedRequests: 0, retiringKeyDead: true, trouble: [] },
    certificate: { verified: true },
    restarts: { hosts: 3, restarted: 3, mostAtOnce: 1 },
    programs: [
      { name: "worker", kind: "exec", adopted: true },
      { name: "gateway", kind: "agent", adopted: true },
    ],
  });
  expect(summary.requests).toBeGreaterThan(300);
  const place = (name: string, kind: string, activation: string, proof: string) => ({
    ...{ name, kind, activation, proof, mark: expect.any(String), adopted: true, certified: true },
  });
  expect(summary.destinations).toEqual([
    place("edge", "cloudflare-workers", "live", "version"),
    place("cluster", "kubernetes-secret", "restart", "read-back"),
    place("fly", "fly", "restart", "digest"),
    place("heroku", "heroku", "restart", "read-back"),
    place("web", "vercel", "redeploy", "updated_at"),
    place("ci", "github-actions", "next-run", "updated_at"),
    place("pipelines", "gitlab-ci", "next-run", "read-back"),
    place("analytics", "google-secret-manager", "live", "read-back"),
    place("reports", "secrets-manager", "live", "read-back"),
  ]);

  const places = ["edge", "web", "ci", "pipelines"].map((name) => expect.objectContaining({ name }));
  const safe = { places, revokedInTrouble: false, retiringKeyDead: true };
  expect(summary.troubled).toMatchObject({ ...safe, outcome: "rotated" });
  expect(summary.leak).toMatchObject({ ...safe, outcome: "contained", plan: "switch-first" });
  expect(saidIn(summary.troubled)).toEqual([
    'CopyElsewhere: OPENAI_API_KEY at edge: REKEY_ENVIRONMENT of shop-production is "staging", not production',
    "CopyNotActive: OPENAI_API_KEY at web: no deployment of production was built since: deploy the project",
    "CopyChanged: OPENAI_API_KEY at ci was changed outside Rekey after it was written",
    "CopyNotWritten: OPENAI_API_KEY at pipelines is not written yet",
  ]);
  // An incident has the sentence alone, which begins with the reason.
  expect(saidIn(summary.leak)).toEqual(saidIn(summary.troubled));
}, 400_000);

/** What Rekey said of each place in trouble. */
function saidIn({ places }: LeakSummary | TroubleSummary): readonly string[] {
  return places.map(({ said }) => [said?.reason, said?.detail].filter(Boolean).join(": "));
}
