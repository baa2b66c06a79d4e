import { decide } from "../../local/iam/decide.ts";
import { parsePolicy } from "../../local/iam/policy.ts";
import { resolveStack, type StackResource } from "../../local/stack/resolve.ts";
import { deployment } from "./deployment.ts";
import { ofType, rendered } from "./packaged.ts";

const account = "123456789012";
const place = {
  ...{ partition: "aws", region: "eu-central-1", account, stackName: "rekey-production", url: "http://x" },
};
const template = rendered(deployment);
const stack = resolveStack(template, place);
const arnOf = (id: string) => stack.get(id)?.attributes["Arn"] ?? "";
const roles = ofType(template, "AWS::IAM::Role").map(([id]) => id);

interface Holder {
  readonly service: string;
  /** What the service says that it acts for. */
  readonly source: string;
}

/** Who is given each role, by the role's ARN. */
const holders = new Map<unknown, Holder>([
  ...[...stack.values()].flatMap(holderOf),
  [arnOf("SchedulerRole"), { service: "scheduler", source: arnOf("ScheduleGroup") }],
]);

function holderOf({
  type,
  ref,
  attributes,
  properties,
}: StackResource): readonly (readonly [unknown, Holder])[] {
  if (type === "AWS::Lambda::Function")
    return [[properties["Role"], { service: "lambda", source: attributes["Arn"] ?? "" }]];
  return type === "AWS::StepFunctions::StateMachine"
    ? [[properties["RoleArn"], { service: "states", source: ref }]]
    : [];
}

function trusts(id: string, holder: Holder, ownAccount = account): boolean {
  const request = {
    principal: { kind: "service", service: `${holder.service}.amazonaws.com` },
    ...{ action: "sts:AssumeRole", resource: arnOf(id), owner: account },
    context: { "aws:sourceaccount": ownAccount, "aws:sourcearn": holder.source },
  } as const;
  const trust = parsePolicy(stack.get(id)?.properties["AssumeRolePolicyDocument"]);
  return decide(request, { identity: [], resource: trust }).isAllowed;
}

test("every role is lent to something", () => {
  expect(roles.length).toBeGreaterThan(30);
  expect(roles.filter((id) => !holders.has(arnOf(id)))).toEqual([]);
});

test.each(roles)("%s is lent to the one resource that it is for, and to no other", (id) => {
  const holder = holders.get(arnOf(id));
  if (holder === undefined) throw new Error(`nothing has the role ${id}`);
  const { source } = holder;
  expect(source).toContain(`:${account}:`);
  expect(trusts(id, holder)).toBe(true);
  expect(trusts(id, holder, "999988887777")).toBe(false);
  expect(trusts(id, { ...holder, source: `${source}-other` })).toBe(false);
  expect(trusts(id, { ...holder, source: source.replace(account, "999988887777") })).toBe(false);
  expect(trusts(id, { ...holder, service: "ec2" })).toBe(false);
  // A version or an alias of a function or a machine is still the same.
  if (holder.service !== "scheduler") expect(trusts(id, { ...holder, source: `${source}:7` })).toBe(true);
});
