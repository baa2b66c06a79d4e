import { rotationCertificateName } from "../audit/certificates.ts";
import type { Policy } from "../core/policy.ts";
import { jsonLines } from "./audit-export.ts";
import type { Reach } from "./command.ts";
import { shownChain } from "./shown-chain.ts";

export interface RecordFile {
  readonly path: string;
  readonly text: string;
}

/** Everything that Rekey knows of one secret, as files: no key is in any of it. */
export async function recordsOf(policy: Policy, reach: Reach): Promise<readonly RecordFile[]> {
  const { secretArn, name } = policy;
  const { ledger } = reach;
  const [record, rotations, keys, evidence, debts, incidents] = await Promise.all([
    ...[ledger.secret(secretArn), ledger.rotations(secretArn), ledger.keys(secretArn)],
    ...[ledger.evidence(secretArn), ledger.debts(), ledger.incidents.incidents()],
  ] as const);
  const own = incidents.filter(({ secrets }) => secrets.some((secret) => secret.secretArn === secretArn));
  const known = {
    ...{ policy, record, rotations, keys, evidence, incidents: own },
    debts: debts.filter((debt) => debt.secretArn === secretArn),
  };
  const chain = await shownChain({ name, id: secretArn }, () => true, reach);
  const certified = rotations.filter(({ certificate }) => certificate !== undefined);
  const files: RecordFile[] = [
    { path: "ledger.json", text: `${JSON.stringify(known, undefined, 1)}\n` },
    { path: "audit.jsonl", text: `${jsonLines([chain]).join("\n")}\n` },
  ];
  const shelf = await reach.certificates?.();
  for (const { rotationId } of certified) {
    const text = await shelf?.read(rotationCertificateName(secretArn, rotationId));
    if (text !== undefined) files.push({ path: `certificates/${rotationId}.json`, text });
  }
  return files;
}
