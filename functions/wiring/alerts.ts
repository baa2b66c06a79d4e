import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { awsBounds } from "../../aws/bounds.ts";
import { githubApiBases as defaultApiBases } from "../../events/intake/github.ts";
import { boundedHttp } from "../../providers/http.ts";
import { adminCredential } from "../adapters/admin-credential.ts";
import { alertBus, githubAlerts, refusalCounts, signingSecrets } from "../adapters/intake.ts";
import type { Deps, IntakeDeps } from "../deps.ts";
import { wiring } from "./base.ts";
import { intakeSettings, slackUsers } from "./settings.ts";

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
    slackUsers: slackUsers(),
    pointed: githubAlerts({
      http: boundedHttp({ allowHosts: apiBases.map((base) => new URL(base).host) }),
      token: githubTokenArn ? adminCredential(store, githubTokenArn) : undefined,
      apiBases,
    }),
  };
}
