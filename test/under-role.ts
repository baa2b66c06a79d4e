import { InputInvalid } from "../core/errors.ts";
import type { Table, TableKey } from "../core/ports.ts";
import { decide } from "../local/iam/decide.ts";
import { type Policy, parsePolicy } from "../local/iam/policy.ts";
import { functions } from "../serverless/functions.ts";
import { roleOf } from "../serverless/roles.ts";
import { deployment } from "./package/deployment.ts";
import { statementsOf } from "./package/packaged.ts";

type Action = "PutItem" | "DeleteItem";

/** The ledger in memory under a function's role: what AWS would refuse to write is refused here as well. */
export function tableUnderRole(
  functionName: string,
  table: Table,
  onDenied: (denied: string) => void = () => undefined,
): Table {
  const admit = (action: Action, { kind, id }: TableKey) => {
    if (mayWrite(functionName, action, kind)) return;
    const denied = `the role of ${functionName} may not dynamodb:${action} ${kind}#: name the kind in its row of serverless/functions.ts`;
    onDenied(denied);
    throw new InputInvalid(`${denied} (${id})`);
  };
  return {
    ...{ get: (key) => table.get(key), query: (query) => table.query(query) },
    put: async (record) => {
      admit("PutItem", record);
      return table.put(record);
    },
    remove: async (key) => {
      admit("DeleteItem", key);
      return table.remove(key);
    },
  };
}

const decided = new Map<string, boolean>();
const policies = new Map<string, Policy>();

export function mayWrite(functionName: string, action: Action, kind: string): boolean {
  const question = `${functionName} ${action} ${kind}`;
  const known = decided.get(question) ?? decideFor(functionName, action, kind);
  decided.set(question, known);
  return known;
}

function decideFor(functionName: string, action: Action, kind: string): boolean {
  const policy = policies.get(functionName) ?? policyOf(functionName);
  policies.set(functionName, policy);
  const request = {
    principal: { kind: "role", account: "1", roleArn: "arn:r", sessionArn: "arn:s" },
    ...{ action: `dynamodb:${action}`, resource: ledger, owner: "1" },
    context: { "dynamodb:leadingkeys": [`${kind}#x`] },
  } as const;
  return decide(request, { identity: [policy] }).isAllowed;
}

function policyOf(functionName: string): Policy {
  const row = functions[functionName];
  if (row === undefined) throw new Error(`${functionName} has no row in serverless/functions.ts`);
  const Statement = statementsOf(roleOf(functionName, row, deployment));
  return parsePolicy({ Version: "2012-10-17", Statement: resolved(Statement) });
}

const ledger = "arn:Ledger";

/** The ledger by its ARN; every other intrinsic function as an ARN of something else. */
function resolved(given: unknown): unknown {
  return JSON.parse(JSON.stringify(given), (_, value) => {
    if (value === null || typeof value !== "object") return value;
    if (JSON.stringify(value["Fn::GetAtt"]) === '["Ledger","Arn"]') return ledger;
    return "Fn::Sub" in value || "Fn::GetAtt" in value || "Ref" in value ? "arn:other" : value;
  });
}
