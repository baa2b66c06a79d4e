import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const start = fileURLToPath(new URL("../../local/start.ts", import.meta.url));

/**
 * What stops the revoke (a place that refuses the write, one that is never activated, one in another environment, one
 * that somebody changed), and the same for a leak, is told by test/machine/rotation/copies.slow.test.ts.
 */
test("npm start -- fanout moves a key at nine places of all four classes, and no request fails", async () => {
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
}, 400_000);
