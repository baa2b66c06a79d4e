/** IAM policies as documents say them, read strictly: whatever this evaluator does not know, it refuses to guess. */

export class PolicyNotUnderstood extends Error {
  override readonly name = "PolicyNotUnderstood";
}

/** Operator → key → the values to compare with. */
export type Conditions = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** Who a resource policy speaks of. `*` is everybody; `AWS`, `Service` and `Federated` name principals. */
export type Principals = "*" | Readonly<Record<string, readonly string[]>>;

export interface Statement {
  readonly sid: string;
  readonly effect: "Allow" | "Deny";
  readonly principals?: Principals;
  /** `not` turns the list round: every action but these. */
  readonly actions: { readonly not: boolean; readonly patterns: readonly string[] };
  readonly resources: { readonly not: boolean; readonly patterns: readonly string[] };
  readonly conditions: Conditions;
}

export interface Policy {
  /** `${aws:PrincipalTag/x}` is a variable only in the version of 2012-10-17; in the older one it is plain text. */
  readonly hasVariables: boolean;
  readonly statements: readonly Statement[];
}

const statementFields = new Set([
  "Sid",
  "Effect",
  "Principal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
]);

/** Reads one policy document: already resolved, so that no intrinsic function is left in it. */
export function parsePolicy(document: unknown): Policy {
  const { Version, Statement } = objectOf(document, "a policy");
  return {
    hasVariables: Version === "2012-10-17",
    statements: [Statement].flat().map((each) => parseStatement(each)),
  };
}

function parseStatement(given: unknown): Statement {
  const statement = objectOf(given, "a statement");
  const sid = typeof statement["Sid"] === "string" ? statement["Sid"] : "(no Sid)";
  const unknown = Object.keys(statement).find((field) => !statementFields.has(field));
  if (unknown !== undefined) throw new PolicyNotUnderstood(`${sid}: the field ${unknown}`);
  const effect = statement["Effect"];
  if (effect !== "Allow" && effect !== "Deny")
    throw new PolicyNotUnderstood(`${sid}: Effect ${String(effect)}`);
  const principals = principalsOf(statement["Principal"], sid);
  return {
    sid,
    effect,
    ...(principals !== undefined && { principals }),
    actions: oneOf({ statement, field: "Action", notField: "NotAction" }, sid),
    // The policy of a queue or a key may leave the resource out: it means the one that carries the policy.
    resources:
      statement["Resource"] === undefined && statement["NotResource"] === undefined
        ? { not: false, patterns: ["*"] }
        : oneOf({ statement, field: "Resource", notField: "NotResource" }, sid),
    conditions: conditionsOf(statement["Condition"], sid),
  };
}

function oneOf(
  { statement, field, notField }: { statement: Record<string, unknown>; field: string; notField: string },
  sid: string,
): { readonly not: boolean; readonly patterns: readonly string[] } {
  const not = statement[notField] !== undefined;
  const patterns = textsOf(statement[not ? notField : field], `${sid}: ${not ? notField : field}`);
  if (patterns.length === 0) throw new PolicyNotUnderstood(`${sid}: neither ${field} nor ${notField}`);
  return { not, patterns };
}

function principalsOf(given: unknown, sid: string): Principals | undefined {
  if (given === undefined) return undefined;
  if (given === "*") return "*";
  const entries = Object.entries(objectOf(given, `${sid}: Principal`));
  return Object.fromEntries(entries.map(([kind, ids]) => [kind, textsOf(ids, `${sid}: Principal ${kind}`)]));
}

function conditionsOf(given: unknown, sid: string): Conditions {
  if (given === undefined) return new Map();
  const operators = Object.entries(objectOf(given, `${sid}: Condition`));
  return new Map(
    operators.map(([operator, keys]) => [
      operator,
      new Map(
        Object.entries(objectOf(keys, `${sid}: ${operator}`)).map(([key, values]) => [
          key.toLowerCase(),
          textsOf(values, `${sid}: ${operator} ${key}`),
        ]),
      ),
    ]),
  );
}

function objectOf(given: unknown, what: string): Record<string, unknown> {
  if (typeof given === "object" && given !== null && !Array.isArray(given))
    return given as Record<string, unknown>;
  throw new PolicyNotUnderstood(`${what} is not an object`);
}

function textsOf(given: unknown, what: string): readonly string[] {
  if (given === undefined) return [];
  return [given].flat().map((value) => {
    if (typeof value === "string") return value;
    if (typeof value === "boolean" || typeof value === "number") return String(value);
    throw new PolicyNotUnderstood(
      `${what} holds a value that is no text (an intrinsic function left unresolved?)`,
    );
  });
}
