import { createPublicKey, type KeyObject } from "node:crypto";
import { basename } from "node:path";
import { keyidOf } from "../../audit/dsse.ts";
import { whyNotCertificate } from "../../audit/verify-certificate.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";
import { readText } from "../read-text.ts";

interface Options {
  readonly key: string;
  readonly of?: string;
}

export const verify: Register = (program, perform) => {
  program
    .command("verify")
    .argument("<file>", "a certificate, as `rekey prove --json` prints it")
    .requiredOption("--key <pem>", "the public key of the deployment's audit key, in PEM")
    .option(
      "--of <id>",
      "the rotation, incident, secret ARN or key fingerprint that it must be about; without it, what the file is named",
    )
    .action((file: string, options: Options) => perform((cli) => check(cli, { file, ...options })));
};

async function check(cli: Cli, { file, key, of }: Options & { readonly file: string }): Promise<Shown> {
  const publicKey = keyIn(await readText(cli, key), key);
  const text = await readText(cli, file);
  const expected = of ?? basename(file).replace(/\.json$/, "");
  const refusal = whyNotCertificate(text, { publicKey, expected });
  if (refusal === undefined) {
    return {
      json: { type: "verification", verified: true, of: expected, keyid: keyidOf(publicKey) },
      lines: [`verified: the certificate of ${expected}, signed by ${keyidOf(publicKey)}`],
    };
  }
  const isGuess = of === undefined && refusal.includes(`, not about ${expected}`);
  throw new CliFailure(`${file} is not verified: ${refusal}`, {
    hint: isGuess ? "say which one you expect with --of; its file's name was taken for it" : undefined,
    facts: { verified: false, of: expected },
  });
}

/** A private key is refused by its label: whoever verifies must not have one. */
function keyIn(pem: string, file: string): KeyObject {
  try {
    if (!pem.includes("-----BEGIN PUBLIC KEY-----")) throw new TypeError("not a public key");
    return createPublicKey(pem);
  } catch {
    throw new CliFailure(`${file} holds no public key in PEM`, {
      hint: "aws kms get-public-key gives it: see docs/certificate.md",
      exitCode: exitCodes.usage,
    });
  }
}
