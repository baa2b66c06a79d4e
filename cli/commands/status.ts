import { together } from "../../consumers/together.ts";
import type { Policy } from "../../core/policy.ts";
import { currentKey, type SecretRecord } from "../../core/rotation/secret-record.ts";
import type { StopOrder } from "../../core/rotation/stop-order.ts";
import type { Debt } from "../../ledger/entries.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { Register } from "../command.ts";
import { findSecret } from "../find-secret.ts";
import { headedTable } from "../table.ts";
import { ago } from "../text.ts";

const atOnceMax = 16;

export const status: Register = (program, perform) => {
  program
    .command("status")
    .argument("[secret]", "name in rekey.yml, or ARN")
    .action((named: string | undefined) =>
      perform(async (cli) => {
        const { ledger, nowMs } = await cli.reach();
        const policies = named === undefined ? await ledger.policies() : [await findSecret(named, ledger)];
        const debts = await ledger.debts();
        const secrets = await together(policies, {
          atOnceMax,
          work: (policy) => stateOf({ policy, debts }, ledger),
        });
        const stops = await ledger.stops();
        const rows = secrets.map(({ name, environment, state, keyId, since }) => [
          ...[name, environment, keyId ?? "-", since === undefined ? "-" : ago(since, nowMs()), state],
        ]);
        const lines =
          rows.length === 0
            ? ["no secret has a policy yet: rekey apply"]
            : [headedTable(["SECRET", "ENVIRONMENT", "KEY", "SINCE", "STATE"], rows)];
        return {
          json: { type: "status", secrets, stops, debts },
          lines: [...lines, ...stops.map(stopText)],
        };
      }),
    );
};

interface SecretState {
  readonly name: string;
  readonly secretArn: string;
  readonly environment: string;
  readonly state: string;
  readonly keyId?: string;
  /** When the current key was promoted, or was adopted. */
  readonly since?: number;
  readonly rotationId?: string;
}

async function stateOf(
  { policy, debts }: { readonly policy: Policy; readonly debts: readonly Debt[] },
  ledger: Ledger,
): Promise<SecretState> {
  const { secretArn, name, environment } = policy;
  const record = await ledger.secret(secretArn);
  const keyId = currentKey(record)?.keyId;
  const since = keyId === undefined ? undefined : await sinceWhen({ secretArn, keyId }, ledger);
  const owed = debts.filter((debt) => debt.secretArn === secretArn);
  return {
    ...{ name, secretArn, environment },
    state: stateText({ policy, record, owed }),
    ...(keyId !== undefined && { keyId }),
    ...(since !== undefined && { since }),
    ...(record.lease !== undefined && { rotationId: record.lease.runId }),
  };
}

/** When the run that promoted it closed, or else when it was adopted. */
async function sinceWhen(
  { secretArn, keyId }: { readonly secretArn: string; readonly keyId: string },
  ledger: Ledger,
): Promise<number | undefined> {
  const rotations = await ledger.rotations(secretArn);
  const promoted = rotations.find(({ incomingKeyId }) => incomingKeyId === keyId);
  const adopted = (await ledger.keys(secretArn)).find((key) => key.keyId === keyId);
  return promoted?.openedAtMs ?? adopted?.atMs;
}

function stateText(view: {
  readonly policy: Policy;
  readonly record: SecretRecord;
  readonly owed: readonly Debt[];
}): string {
  const { policy, record, owed } = view;
  const { hold, frozen, lease, run } = record;
  const parts = [
    frozen && `frozen: ${frozen.reason}`,
    hold && `held by ${shortName(hold.by)}: ${hold.reason}`,
    lease && `${lease.kind} ${lease.runId}${run === undefined ? "" : ` (${run.phase})`}`,
    ...owed.map(({ kind, keyId, reason }) => `${kind} ${keyId}: ${reason}`),
    policy.retain ? "retained" : undefined,
  ].filter((part) => part !== undefined);
  if (parts.length > 0) return parts.join("; ");
  if (policy.mode === "index") return "watched";
  return policy.schedule === undefined ? "manual" : policy.schedule;
}

function stopText({ scope, by, reason, includingIncidents }: StopOrder): string {
  const incidents = includingIncidents ? ", incidents too" : "";
  return `stopped for ${scope} by ${shortName(by)}${incidents}: ${reason}`;
}

/** The person's part of a principal's ARN. */
function shortName(principal: string): string {
  return principal.split("/").at(-1) ?? principal;
}
