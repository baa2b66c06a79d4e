import { Secret } from "../../core/secret.ts";
import { reportSender } from "../../functions/adapters/report-sender.ts";
import { raiseAlert } from "../../functions/alerts/raise-alert.ts";
import { proveAlarm } from "../../functions/alerts/synthetic-leak.ts";
import type { LogLine, Page, SyntheticDeps } from "../../functions/deps.ts";
import { escalate } from "../../functions/incident/escalate.ts";
import { openIncident } from "../../functions/incident/open-incident.ts";
import type { Http } from "../../providers/http.ts";
import { adminWorld } from "./admin-world.ts";
import { IntakeWorld } from "./intake-world.ts";

export const name = "synthetic-2026-11-22T12";

/** Intake, bus, machine and channels, each of which can be out of order. Time passes in pauses only. */
export function syntheticWorld() {
  const intake = new IntakeWorld();
  const { deps, depsOf, ledger } = adminWorld();
  const logs: LogLine[] = [];
  const pages: Page[] = [];
  const world = { busLoses: false, failedChannels: [] as string[], signingSecret: "FAKE-signing-report" };
  Object.assign(deps, {
    escalator: {
      page: async (page: Page) => {
        pages.push(page);
        return { delivered: ["sns"], failed: world.failedChannels };
      },
    },
  });
  let delivered = 0;
  const at = () => new Date(intake.nowMs).toISOString();
  /** What the bus's rule and the machine do, a second after the intake put it there. */
  const runMachine = async () => {
    for (const detail of world.busLoses ? [] : intake.published.slice(delivered)) {
      delivered += 1;
      const { incidentIds } = await raiseAlert.run(raiseAlert.input.parse({ detail }), depsOf("raise-alert"));
      for (const incidentId of incidentIds) {
        await openIncident.run(
          openIncident.input.parse({ incidentId, executionArn: `arn:FAKE:${incidentId}`, at: at() }),
          depsOf("open-incident"),
        );
        await escalate.run(escalate.input.parse({ incidentId, at: at() }), depsOf("escalate"));
      }
    }
  };
  const clock = {
    nowMs: () => intake.nowMs,
    pause: async (ms: number) => {
      intake.nowMs += ms;
      await runMachine();
    },
  };
  const http: Http = {
    send: async ({ url, headers, body, method }) => {
      const lower = Object.fromEntries(
        Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]),
      );
      const post = { headers: lower, body: JSON.stringify(body), path: new URL(url).pathname, method };
      return { status: (await intake.post(post)).statusCode, headers: {}, json: undefined };
    },
  };
  const secret = { get: async () => new Secret(world.signingSecret), refused: () => undefined };
  let nonces = 0;
  const newNonce = () => {
    nonces += 1;
    return `FAKEnonceFAKEnonce-${nonces}`;
  };
  const send = reportSender({ http, url: "https://intake.example.com", secret, clock, newNonce });
  const heartbeats = () => logs.filter((line) => line["SyntheticLeakSucceeded"] === 1);
  const synthetic: SyntheticDeps = {
    ...{ ledger, executions: deps.executions, clock, send },
    log: (line) => void logs.push(line),
    environment: "production",
  };
  const prove = (about: Pick<SyntheticDeps, "environment"> = synthetic) =>
    proveAlarm(name, { ...synthetic, ...about });
  return { intake, deps, ledger, logs, world, heartbeats, pages, send, prove };
}
