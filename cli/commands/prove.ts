import { certificateLines } from "../certificate-view.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";
import { findCertificate } from "../find-certificate.ts";
import { readCertificate } from "../read-certificate.ts";

export const prove: Register = (program, perform) => {
  program
    .command("prove")
    .argument("<what>", "a rotation, an incident, or a secret, whose newest certificate is meant")
    .action((named: string) => perform((cli) => show(cli, named)));
};

async function show(cli: Cli, named: string): Promise<Shown> {
  const { ledger, certificates } = await cli.reach();
  if (certificates === undefined) {
    throw new CliFailure("REKEY_AUDIT_BUCKET and REKEY_AUDIT_KEY_ID are not both set", {
      hint: "they are the outputs AuditBucketName and AuditKeyArn of the deployment",
      exitCode: exitCodes.usage,
    });
  }
  const known = await findCertificate(named, ledger);
  const { path } = known;
  const read = await readCertificate(known, await certificates());
  if (read === undefined) throw new CliFailure(`the bucket holds no ${path}`, { hint: "rekey audit verify" });
  const { text, refusal } = read;
  if (refusal !== undefined)
    throw new CliFailure(`${path}: ${refusal}`, { facts: { path, verified: false } });
  return {
    json: JSON.parse(text),
    lines: [...certificateLines(text), `verified; filed as ${path}`],
  };
}
