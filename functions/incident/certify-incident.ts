import * as z from "zod";
import { incidentCertificateName } from "../../audit/certificates.ts";
import { deploymentChain } from "../../audit/chain.ts";
import { incidentStatement } from "../../core/certificate/incident.ts";
import type { Chain } from "../../core/certificate/statement.ts";
import { whyNotClose } from "../../core/incident/plan.ts";
import type { With } from "../deps.ts";
import { readChain, since } from "../secret/read-chain.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { certificates } from "../wiring/parts/certificates.ts";
import { incidentIdText, incidentOf } from "./record/step-input.ts";

/** Signs and files the document that ends an incident. A drill needs none, and neither does one that stays open. */
export const certifyIncident = step({
  name: "certify-incident",
  input: z.object({ incidentId: incidentIdText, at: stampedAt }),
  run: async ({ incidentId, at }, deps: With<"certificates">) => {
    const incident = await incidentOf({ incidentId }, deps);
    if (incident.test || whyNotClose(incident) !== undefined) return { outcome: "notDue" as const };
    const chains = await chainsOf(incident, deps);
    const copies = await copiesOf(incident, deps);
    const facts = { deployment: deps.environment, incident, chains, copies, certifiedAtMs: at };
    return deps.certificates.file(incidentCertificateName(incidentId), incidentStatement(facts, deps.digest));
  },
});

export const handler = onLambda(certifyIncident, wiring({ certificates }));

interface Scope {
  readonly incidentId: string;
  readonly secrets: readonly { readonly secretArn: string }[];
}

/** Each replacement acts under the incident's id with something behind it. */
async function chainsOf(
  { incidentId, secrets }: Scope,
  deps: With<"certificates">,
): Promise<readonly Chain[]> {
  const ids = secrets.length === 0 ? [deploymentChain] : secrets.map(({ secretArn }) => secretArn);
  const chains: Chain[] = [];
  for (const id of new Set(ids)) {
    const chain = await readChain(id, deps);
    chains.push(
      since(
        chain,
        ({ actor, detail }) => actor.startsWith(incidentId) || detail["incidentId"] === incidentId,
      ),
    );
  }
  return chains;
}

async function copiesOf({ secrets }: Scope, { ledger }: With<"certificates">) {
  const copies = new Map<string, Awaited<ReturnType<typeof ledger.copyNotes>>>();
  for (const { secretArn } of secrets) copies.set(secretArn, await ledger.copyNotes(secretArn));
  return copies;
}
