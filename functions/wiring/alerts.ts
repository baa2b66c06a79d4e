import { randomUUID } from "node:crypto";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { awsBounds } from "../../aws/bounds.ts";
import { githubApiBases as defaultApiBases } from "../../events/intake/github.ts";
import { boundedHttp } from "../../providers/http.ts";
import { adminCredential } from "../adapters/admin-credential.ts";
import { alertBus, githubAlerts, refusalCounts, reportSender, signingSecrets } from "../adapters/intake.ts";
import type { Deps, IntakeDeps, SyntheticDeps } from "../deps.ts";
import { wiring } from "./base.ts";
import { intakeSecretArns, intakeSettings, intakeUrl, settings } from "./settings.ts";

let built: IntakeDeps | undefined;

/** The intake keeps its caches for the life of the process: it has to answer within 2 s. */
export function intakeWiring(): IntakeDeps {
  built ??= build(wiring()());
  return built;
}

function build({ ledger, audit, clock, store, log }: Deps): IntakeDeps {
  const { alertBus: busName, secretArns, githubTokenArn, githubApiBases } = intakeSettings();
  const apiBases = githubApiBases.length > 0 ? githubApiBases : defaultApiBases;
  return {
    ...{ ledger, audit, clock, log },
    signing: signingSecrets(secretArns, { store, clock }),
    alerts: alertBus(new EventBridgeClient(awsBounds), busName),
    countRefusal: refusalCounts(clock),
    pointed: githubAlerts({
      http: boundedHttp({ allowHosts: apiBases.map((base) => new URL(base).host) }),
      token: githubTokenArn ? adminCredential(store, githubTokenArn) : undefined,
      apiBases,
    }),
  };
}

/** What the synthetic leak has: the intake's public address, and the signing secret for reports. */
export function syntheticWiring(): SyntheticDeps {
  const { environment, ledger, executions, clock, log, store } = wiring()();
  const { allowLoopbackProviders: allowLoopback } = settings();
  const url = intakeUrl();
  const { report = "" } = intakeSecretArns();
  const http = boundedHttp({ allowHosts: [new URL(url).host], allowLoopback });
  return {
    ...{ environment, ledger, executions, clock, log },
    send: reportSender({ http, url, secret: adminCredential(store, report), clock, newNonce: randomUUID }),
  };
}
