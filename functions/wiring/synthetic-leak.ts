import { randomUUID } from "node:crypto";
import { boundedHttp } from "../../providers/http.ts";
import { adminCredential } from "../adapters/admin-credential.ts";
import { reportSender } from "../adapters/report-sender.ts";
import type { SyntheticDeps } from "../deps.ts";
import { wiring } from "./base.ts";
import { intakeSecretArns, intakeUrl, settings } from "./settings.ts";

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
