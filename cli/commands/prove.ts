import { publicKeyIn } from "../../audit/certificates.ts";
import { signedDigestOf } from "../../audit/dsse.ts";
import { whyNotCertificate } from "../../audit/verify-certificate.ts";
import { certificateLines } from "../certificate-view.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";
import { findCertificate } from "../find-certificate.ts";

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
  const { path, sha256, expected } = await findCertificate(named, ledger);
  const { read, publicKey } = await certificates();
  const text = await read(path);
  if (text === undefined) throw new CliFailure(`the bucket holds no ${path}`, { hint: "rekey audit verify" });
  const refusal =
    whyNotCertificate(text, { publicKey: publicKeyIn(await publicKey()), expected }) ??
    (signedDigestOf(text) === sha256 ? undefined : "it is not the one that the ledger names");
  if (refusal !== undefined)
    throw new CliFailure(`${path}: ${refusal}`, { facts: { path, verified: false } });
  return {
    json: JSON.parse(text),
    lines: [...certificateLines(text), `verified; filed as ${path}`],
  };
}
