import { randomUUID } from "node:crypto";
import { boundedHttp } from "../../providers/http.ts";
import { stsCallerIdentity } from "../adapters/caller-identity.ts";
import type { AdminDeps } from "../deps.ts";
import { wiring } from "./base.ts";
import { destinations } from "./parts/destinations.ts";
import { escalator } from "./parts/escalator.ts";
import { issuer } from "./parts/issuer.ts";
import { schedules } from "./parts/schedules.ts";
import { callerSettings, issuerRoles, settings, twoPeopleSettings } from "./settings.ts";

function identifyCaller() {
  const { endpoint, ...deployment } = callerSettings();
  const { allowLoopbackProviders: allowLoopback } = settings();
  const http = boundedHttp({ allowHosts: [new URL(endpoint).host], allowLoopback });
  return stsCallerIdentity({ http, endpoint, ...deployment });
}

let built: AdminDeps | undefined;

/** What every step has, and the schedules. */
export function adminWiring(): AdminDeps {
  built ??= {
    ...wiring({ escalator, destinations, issuer })(),
    schedules: schedules(),
    identifyCaller: identifyCaller(),
    newId: randomUUID,
    twoPeople: twoPeopleSettings(),
    issuers: issuerRoles(),
  };
  return built;
}
