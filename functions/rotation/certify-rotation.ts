import * as z from "zod";
import { canonicalJson } from "../../audit/canonical-json.ts";
import { rotationCertificateName } from "../../audit/certificates.ts";
import { endingStatement } from "../../core/certificate/ending.ts";
import { rotationStatement } from "../../core/certificate/rotation.ts";
import type { Chain } from "../../core/certificate/statement.ts";
import { InputInvalid } from "../../core/errors.ts";
import type { RotationId, SecretArn } from "../../core/ports.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import type { Deps, With } from "../deps.ts";
import { readChain, since } from "../secret/read-chain.ts";
import { onLambda, step, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { certificates } from "../wiring/parts/certificates.ts";

const { secretArn, rotationId, at } = ticketShape;

/** Signs and files the document that ends a rotation, whether or not its retiring key is dead. It reads the ledger and the chain, and writes neither. */
export const certifyRotation = step({
  name: "certify-rotation",
  input: z.object({ secretArn, rotationId, at }),
  run: async (input, deps: With<"certificates">) => {
    const run = await deps.ledger.rotation(input.secretArn, input.rotationId);
    if (run === undefined) throw new InputInvalid(`${input.rotationId} has no record of its opening`);
    const whole = await readChain(input.secretArn, deps);
    const ids = runsOf(whole, run);
    const chain = since(
      whole,
      ({ actor, detail }) => ids.has(actor) || ids.has(String(detail["rotationId"])),
    );
    const facts = {
      ...{ deployment: deps.environment, run, chain, certifiedAtMs: input.at },
      policySha256: deps.digest.sha256Hex(canonicalJson(run.policy)),
    };
    const statement =
      run.death === undefined
        ? endingStatement({ ...facts, copies: await deps.ledger.copyNotes(input.secretArn) }, deps.digest)
        : rotationStatement(
            { ...facts, runs: await othersOf({ secretArn: input.secretArn, ids, run }, deps) },
            deps.digest,
          );
    if (statement === undefined) throw new InputInvalid(`${input.rotationId} is not over (${run.outcome})`);
    return deps.certificates.file(rotationCertificateName(input.secretArn, input.rotationId), statement);
  },
});

export const handler = onLambda(certifyRotation, wiring({ certificates }));

/** A debt is seldom tried more often before it is paid. */
const runsMax = 20;

/** This run, and those since the promotion of the key that it ends with: one of them opened the gate. */
function runsOf({ entries }: Chain, { rotationId: own, opening }: RotationRecord): ReadonlySet<RotationId> {
  const promoted = entries.findLastIndex(
    ({ action, detail }) =>
      action === "VersionPromoted" && (opening === undefined || detail["keyId"] === opening.incoming.keyId),
  );
  const from = promoted === -1 ? [] : entries.slice(promoted);
  const actors = from.map(({ actor }) => actor).filter((actor) => !actor.startsWith("arn:"));
  return new Set([own, ...[...new Set(actors)].slice(0, runsMax)]);
}

async function othersOf(
  known: {
    readonly secretArn: SecretArn;
    readonly ids: ReadonlySet<RotationId>;
    readonly run: RotationRecord;
  },
  deps: Pick<Deps, "ledger">,
): Promise<readonly RotationRecord[]> {
  const others: RotationRecord[] = [];
  for (const id of known.ids) {
    if (id === known.run.rotationId) continue;
    const record = await deps.ledger.rotation(known.secretArn, id);
    if (record !== undefined) others.push(record);
  }
  return others;
}
