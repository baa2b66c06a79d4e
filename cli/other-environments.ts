import * as z from "zod";
import { currentKey } from "../core/rotation/secret-record.ts";
import { issuerOf } from "../providers/index.ts";
import { CliFailure, exitCodes } from "./command.ts";
import type { Finding, SecretView } from "./findings.ts";

/** A key that a secret holds, by the fingerprint alone. */
const Held = z.object({
  secret: z.string().max(256),
  environment: z.string().max(64),
  fingerprint: z.string().regex(/^sha256:[0-9a-f]{64}$/),
});
export type Held = z.output<typeof Held>;

const Output = z.object({ type: z.literal("doctor"), held: z.array(Held).max(5_000) });

/** What `rekey doctor --json` says of this deployment, for the doctor of another one. */
export function heldIn(secrets: readonly SecretView[]): readonly Held[] {
  return secrets.flatMap(({ policy, record }) => {
    const fingerprint = currentKey(record)?.fingerprint;
    // What a person may have chosen could be guessed from its fingerprint.
    if (fingerprint === undefined || issuerOf(policy.provider.kind)?.areChosen === true) return [];
    return [{ secret: policy.name, environment: policy.environment, fingerprint }];
  });
}

/** The keys in a file that the doctor of another deployment wrote. */
export function readHeld(text: string, path: string): readonly Held[] {
  const read = Output.safeParse(jsonOrNothing(text));
  if (read.success) return read.data.held;
  throw new CliFailure(`${path} is not what \`rekey doctor --json\` prints`, {
    hint: "make it with the other deployment's settings: rekey doctor --json > staging.json",
    exitCode: exitCodes.usage,
  });
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Each deployment has a ledger of its own, so only both together show that two environments have one key. */
export function sharedWithOthers(own: readonly Held[], others: readonly Held[]): readonly Finding[] {
  return own.flatMap(({ secret, environment, fingerprint }) => {
    const same = others.filter((one) => one.fingerprint === fingerprint && one.environment !== environment);
    if (same.length === 0) return [];
    const where = same.map((one) => `${one.secret} of ${one.environment}`).join(" and ");
    return [
      {
        severity: "problem" as const,
        about: secret,
        message: `its key is also the key of ${where}: a leak there is a leak here, and a rotation here ends it there`,
        hint: `give each environment a key of its own, and then: rekey rotate ${secret}`,
      },
    ];
  });
}
