import { incidentCertificateName, rotationCertificateName } from "../audit/certificates.ts";
import type { KnownCertificate } from "../console/sources.ts";
import { together } from "../consumers/together.ts";
import type { RotationRecord } from "../ledger/entries.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { CliFailure } from "./command.ts";

const atOnceMax = 16;

/** By a rotation, an incident, or a secret, whose newest certificate is meant. */
export async function findCertificate(named: string, ledger: Ledger): Promise<KnownCertificate> {
  const incident = await ledger.incidents.incident(named);
  if (incident !== undefined) {
    const { certificate, incidentId } = incident;
    if (certificate === undefined) throw none(`incident ${incidentId} (${incident.status})`);
    return { ...certificate, path: incidentCertificateName(incidentId), expected: incidentId };
  }
  const rotation = await rotationOf(named, ledger);
  if (rotation === undefined) {
    throw new CliFailure(`no rotation, incident or secret is called ${JSON.stringify(named.slice(0, 100))}`, {
      hint: "see `rekey history`",
    });
  }
  const { certificate, rotationId, secretArn } = rotation;
  if (certificate === undefined) throw none(`${rotationId} (${rotation.outcome})`);
  return { ...certificate, path: rotationCertificateName(secretArn, rotationId), expected: rotationId };
}

async function rotationOf(named: string, ledger: Ledger): Promise<RotationRecord | undefined> {
  const secrets = [...(await ledger.policies()), ...(await ledger.formerSecrets())];
  const secret = secrets.find(({ name, secretArn }) => name === named || secretArn === named);
  if (secret !== undefined) {
    const rotations = [...(await ledger.rotations(secret.secretArn))];
    const certified = rotations.filter(({ certificate }) => certificate !== undefined);
    const newest = certified.sort((one, other) => other.openedAtMs - one.openedAtMs)[0];
    if (newest === undefined) throw none(secret.name);
    return newest;
  }
  const found = await together(secrets, {
    atOnceMax,
    work: ({ secretArn }) => ledger.rotation(secretArn, named),
  });
  return found.find((each) => each !== undefined);
}

function none(what: string): CliFailure {
  return new CliFailure(`there is no certificate of ${what}`, {
    hint: "it is made when the key is proven dead; one that is owed stands in `rekey status`",
  });
}
