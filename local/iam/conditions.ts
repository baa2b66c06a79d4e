import type { Context } from "./match.ts";
import { matchesArn, matchesText, withVariables } from "./match.ts";
import { type Conditions, PolicyNotUnderstood } from "./policy.ts";

interface Operator {
  /** One value of the request against one value of the policy. */
  readonly holds: (actual: string, expected: string) => boolean;
  /** None of the policy's values may match, and a missing key holds. */
  readonly negated?: true;
}

const equalsIgnoringCase: Operator["holds"] = (actual, expected) =>
  actual.toLowerCase() === expected.toLowerCase();

const operators: Readonly<Record<string, Operator>> = {
  StringEquals: { holds: (actual, expected) => actual === expected },
  StringNotEquals: { holds: (actual, expected) => actual === expected, negated: true },
  StringEqualsIgnoreCase: { holds: equalsIgnoringCase },
  StringLike: { holds: matchesText },
  StringNotLike: { holds: matchesText, negated: true },
  ArnEquals: { holds: matchesArn },
  ArnLike: { holds: matchesArn },
  ArnNotEquals: { holds: matchesArn, negated: true },
  ArnNotLike: { holds: matchesArn, negated: true },
  Bool: { holds: equalsIgnoringCase },
  NumericLessThan: { holds: (actual, expected) => Number(actual) < Number(expected) },
  NumericLessThanEquals: { holds: (actual, expected) => Number(actual) <= Number(expected) },
  NumericGreaterThan: { holds: (actual, expected) => Number(actual) > Number(expected) },
};

/** Keys that a stand-in fills in, or that AWS leaves out of such a call. Any other is a policy nobody tried here. */
const knownKeys = [
  /^aws:(?:principalarn|principalaccount|principaltype|principaltag\/[\w.:/=+@-]+|principalorgid)$/,
  /^aws:(?:sourcearn|sourceaccount|securetransport|calledvia|viaawsservice|requestedregion)$/,
  /^aws:(?:resourcetag|requesttag)\/[\w.:/=+@-]+$/,
  /^aws:(?:tagkeys|multifactorauthpresent|multifactorauthage|userid|username)$/,
  /^s3:(?:prefix|object-lock-mode|tlsversion)$/,
  /^iam:passedtoservice$/,
  /^events:(?:source|detail-type|eventbusinvocation)$/,
  /^kms:(?:viaservice|calleraccount|encryptioncontext:[\w:]+|encryptioncontextkeys|messagetype|signingalgorithm)$/,
  /^dynamodb:(?:leadingkeys|select|returnvalues|enclosingoperation)$/,
  /^lambda:(?:functionurlauthtype|invokedviafunctionurl|functionarn)$/,
  /^secretsmanager:(?:versionstage|versionid|secretid|resourcetag\/[\w.:/=+@-]+|resource\/allowrotationlambdaarn)$/,
  /^ecs:cluster$/,
  /^states:statemachinequalifier$/,
  /^sts:externalid$/,
  /^cloudwatch:namespace$/,
];

/** Every operator and every key of the block has to hold. Throws PolicyNotUnderstood for what it does not know. */
export function conditionsHold(
  conditions: Conditions,
  { context, hasVariables }: { readonly context: Context; readonly hasVariables: boolean },
): boolean {
  return [...conditions].every(([name, keys]) =>
    [...keys].every(([key, expected]) => {
      assertKnown(key);
      const values = hasVariables
        ? expected.flatMap((value) => withVariables(value, context) ?? [])
        : expected;
      return holds({ name, actual: context[key], expected: values });
    }),
  );
}

interface Question {
  readonly name: string;
  readonly actual: string | readonly string[] | undefined;
  readonly expected: readonly string[];
}

function holds({ name, actual, expected }: Question): boolean {
  if (name === "Null") return (actual === undefined) === expected.includes("true");
  const [, set, base = "", ifExists] = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(name) ?? [];
  const operator = Object.hasOwn(operators, base) ? operators[base] : undefined;
  if (operator === undefined) throw new PolicyNotUnderstood(`the condition operator ${name}`);
  if (set !== undefined) return setHolds({ set, actual, expected }, operator);
  if (actual === undefined) return ifExists !== undefined || operator.negated === true;
  // A plain operator does not match a key that holds several values.
  if (typeof actual !== "string") return false;
  return oneHolds(actual, expected, operator);
}

function setHolds(
  { set, actual, expected }: { set: string; actual: Question["actual"]; expected: readonly string[] },
  operator: Operator,
): boolean {
  const values = actual === undefined ? [] : [actual].flat();
  const each = (value: string) => oneHolds(value, expected, operator);
  return set === "ForAllValues" ? values.every(each) : values.some(each);
}

function oneHolds(actual: string, expected: readonly string[], { holds, negated }: Operator): boolean {
  const matches = expected.some((value) => holds(actual, value));
  return negated ? !matches : matches;
}

function assertKnown(key: string): void {
  if (!knownKeys.some((pattern) => pattern.test(key)))
    throw new PolicyNotUnderstood(`the condition key ${key}`);
}
