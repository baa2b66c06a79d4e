import { readdirSync, readFileSync } from "node:fs";
import { compilePattern } from "../../local/aws/pattern.ts";
import { decide } from "../../local/iam/decide.ts";
import { type Policy, parsePolicy } from "../../local/iam/policy.ts";
import { ofType, type Stack } from "../../local/stack/resolve.ts";
import { functions } from "../../serverless/functions.ts";
import { machineId, machines } from "../../serverless/machines.ts";
import { partitionsOf, roleId } from "../../serverless/roles.ts";

const folder = new URL("../../functions/", import.meta.url);

/** What in a template would fail only once it is deployed, each named by the resource and what it lacks. */
export function faultsIn(stack: Stack): readonly string[] {
  return [...lostNulls(stack), ...unsetVariables(stack), ...deafRules(stack), ...missingRights(stack)];
}

/** A `null` that a tidy packager drops: `"ResultPath": null` keeps the state, and without it the answer replaces it. */
function lostNulls(stack: Stack): readonly string[] {
  return machines().flatMap(({ name, text }) => {
    const { properties } = stack.get(machineId(name)) ?? { properties: {} };
    const packaged = nullsIn(
      JSON.parse(String((properties as { DefinitionString?: string }).DefinitionString)),
    );
    return nullsIn(JSON.parse(text))
      .filter((path) => !packaged.includes(path))
      .map((path) => `${machineId(name)} lost the null at ${path}`);
  });
}

function nullsIn(value: unknown, path = ""): readonly string[] {
  if (value === null) return [path];
  if (typeof value !== "object") return [];
  return Object.entries(value as object).flatMap(([key, inner]) => nullsIn(inner, `${path}/${key}`));
}

/** LOOPBACK: only the local cloud's stand-ins speak plain http. INTAKE_URL: only some functions are given it. */
const read = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .flatMap((file) => [...readFileSync(new URL(file, folder), "utf8").matchAll(/required\("(REKEY_\w+)"\)/g)])
  .map(([, name = ""]) => name)
  .filter((name) => name !== "REKEY_INTAKE_URL");

function unsetVariables(stack: Stack): readonly string[] {
  return ofType(stack, "AWS::Lambda::Function").flatMap(({ id, properties }) => {
    const { Variables } = properties["Environment"] as {
      readonly Variables: Readonly<Record<string, unknown>>;
    };
    return [...new Set(read)]
      .filter((name) => Variables[name] === undefined)
      .map((name) => `${id} has no ${name}, which functions/wiring/settings.ts requires`);
  });
}

/** By rule, an event that the product or AWS puts on its bus. */
function eventsFor(stack: Stack): Readonly<Record<string, unknown>> {
  const machineArn = stack.get("RotationMachine")?.ref;
  const secretArn = `${String(secretPattern(stack))}billing-key-FAKE01`;
  return {
    RecordDashevidenceRule: { source: "rekey.consumer", "detail-type": "ConsumerReport", detail: {} },
    RaiseDashalertRule: { source: "rekey.intake", "detail-type": "KeyCompromised", detail: {} },
    SettleDashclosedRule: {
      ...{ source: "aws.states", "detail-type": "Step Functions Execution Status Change" },
      detail: { status: "FAILED", stateMachineArn: machineArn },
    },
    NoteDashcallerRule: {
      ...{ source: "aws.secretsmanager", "detail-type": "AWS API Call via CloudTrail" },
      detail: { eventName: "RotateSecret" },
    },
    RecordDashreadRule: {
      ...{ source: "aws.kms", "detail-type": "AWS API Call via CloudTrail" },
      detail: { eventName: "Decrypt", requestParameters: { encryptionContext: { SecretARN: secretArn } } },
    },
  };
}

/** What the role that mints may write, up to its wildcard. */
function secretPattern(stack: Stack): string {
  const rotated = statementsIn(stack, "MintDashkeyRole").find(({ Sid }) => Sid === "RotatedSecrets");
  return String([rotated?.Resource].flat()[0]).replace(/\*.*$/, "");
}

function deafRules(stack: Stack): readonly string[] {
  return Object.entries(eventsFor(stack)).flatMap(([id, event]) => {
    const hears = compilePattern(stack.get(id)?.properties["EventPattern"]);
    return hears(event)
      ? []
      : [`${id} does not take ${JSON.stringify((event as { source: string }).source)}`];
  });
}

interface Given {
  readonly Sid: string;
  readonly Resource: unknown;
}

function statementsIn(stack: Stack, id: string): readonly Given[] {
  const policies = stack.get(id)?.properties["Policies"] as readonly {
    readonly PolicyDocument: { readonly Statement: readonly Given[] };
  }[];
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

/** Each row of serverless/functions.ts against the role as it stands in the template. */
function missingRights(stack: Stack): readonly string[] {
  const table = stack.get("Ledger")?.attributes["Arn"] ?? "";
  const bus = (name: string) => stack.get(name)?.attributes["Arn"] ?? "";
  return Object.entries(functions).flatMap(([name, row]) => {
    const role = roleId(name);
    const identity = [parsePolicy({ Version: "2012-10-17", Statement: statementsIn(stack, role) })];
    const keys = (kinds: typeof row.writes) => partitionsOf(kinds ?? []).map((key) => key.replace("*", "x"));
    const needs = [
      ...row.table.map((action) => ({ action: `dynamodb:${action}`, resource: table, key: "SECRET#x" })),
      ...keys(row.writes).map((key) => ({ action: "dynamodb:PutItem", resource: table, key })),
      ...keys(row.removes).map((key) => ({ action: "dynamodb:DeleteItem", resource: table, key })),
      ...(row.publishes ?? []).map((name) => ({ action: "events:PutEvents", resource: bus(name), key: "" })),
    ];
    return needs
      .filter((need) => !isAllowed(need, identity))
      .map(({ action, key }) => `${role} may not ${action}${key === "" ? "" : ` ${key}`}`);
  });
}

function isAllowed(
  { action, resource, key }: { readonly action: string; readonly resource: string; readonly key: string },
  identity: readonly Policy[],
): boolean {
  const context: Readonly<Record<string, readonly string[]>> =
    key === "" ? {} : { "dynamodb:leadingkeys": [key] };
  const principal = { kind: "role", account: "1", roleArn: "arn:r", sessionArn: "arn:s" } as const;
  return decide({ principal, action, resource, owner: "1", context }, { identity }).isAllowed;
}
