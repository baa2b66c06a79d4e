import type { Policy } from "../../core/policy.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf, keyLengthMin } from "../../events/fingerprint.ts";
import { versionIdFor } from "../../functions/secret/stage-key.ts";
import { commandsOf } from "../../stores/commands.ts";
import { withKey } from "../../stores/value.ts";
import { askAdmin } from "../ask-admin.ts";
import { CliFailure, exitCodes, type Reach, type Register } from "../command.ts";
import { findSecret } from "../find-secret.ts";

export const supply: Register = (program, perform) => {
  program
    .command("supply")
    .argument("<secret>", "name in rekey.yml, or ARN")
    .option("--key-id <id>", "the key's id at the provider, where it cannot be found by its hint")
    .addHelpText("after", "\nThe key is read from a pipe or a prompt, and never from an argument.")
    .action((named: string, { keyId }: { keyId?: string }) =>
      perform(async (cli) => {
        const reach = await cli.reach();
        const policy = await findSecret(named, reach.ledger);
        const { secretArn, name } = policy;
        const record = await reach.ledger.secret(secretArn);
        if (record.wait?.decision !== "supply") throw nobodyWaits(name);
        const key = keyFrom(await cli.terminal.readHidden(`new key for ${name} (not shown): `));
        const versionId = await putPending({ policy, record, key }, reach);
        const id = keyId === undefined ? {} : { keyId };
        const answer = await askAdmin(cli, { command: "supply", secret: secretArn, versionId, ...id });
        const rotationId = String(answer["rotationId"]);
        return {
          json: { type: "supply", ...answer },
          lines: [`key ${String(answer["keyId"])} is supplied`, `follow it with: rekey watch ${rotationId}`],
        };
      }),
    );
};

function nobodyWaits(name: string): CliFailure {
  return new CliFailure(`no rotation of ${name} waits for a key`, {
    hint: `start one with \`rekey rotate ${name}\``,
    facts: { reason: "NoKeyWanted" },
  });
}

/** A pasted key often has a line end or blanks around it. No provider's key has blanks inside. */
function keyFrom(text: string): Secret {
  const key = text.trim();
  if (key.length >= keyLengthMin && !/\s/.test(key)) return new Secret(key);
  throw new CliFailure("that does not look like a key", {
    hint: "give the key alone, on one line",
    exitCode: exitCodes.usage,
  });
}

interface Supplied {
  readonly policy: Policy;
  readonly record: SecretRecord;
  readonly key: Secret;
}

/** Staged as a minted key is: it becomes the pending version only if no other is. */
async function putPending({ policy, record, key }: Supplied, reach: Reach): Promise<string> {
  const { secretArn, field, name } = policy;
  const { run } = record;
  const part = `supply/${fingerprintOf(key)}`;
  const place = { secretArn, rotationId: run?.rotationId ?? "", attempt: (run?.attempt ?? 0) + 1, part };
  const versionId = versionIdFor(place, reach);
  const store = await reach.store();
  const current = await store.current(secretArn);
  await store.write({ secretArn, versionId, text: withKey(current.text, field, key) });
  if ((await store.markPending({ secretArn, versionId })) === "marked") return versionId;
  await store.discard({ secretArn, versionId });
  throw new CliFailure(`another version of ${name} is pending: somebody else's rotation is unfinished`, {
    hint: `see who with \`${commandsOf(secretArn).show(secretArn)}\``,
  });
}
