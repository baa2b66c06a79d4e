import { decide } from "../../../local/iam/decide.ts";
import { rolesIn } from "../../../local/iam/roles.ts";
import { resolveStack } from "../../../local/stack/resolve.ts";
import { deployment } from "../../package/deployment.ts";
import { place, rendered } from "../../package/packaged.ts";

const boundary = "arn:aws:iam::123456789012:policy/platform";
const stack = resolveStack(rendered({ ...deployment, permissionsBoundary: boundary }), place);

test("a boundary whose document nobody gave is refused instead of ignored", () => {
  expect(() => rolesIn(stack)).toThrow(/permissions boundary arn:aws:iam::123456789012:policy\/platform/);
});

test("a boundary takes from every role what it does not allow itself", () => {
  const Statement = { Sid: "Platform", Effect: "Allow", Action: "dynamodb:*", Resource: "*" };
  const roles = rolesIn(stack, { [boundary]: { Version: "2012-10-17", Statement } });
  const role = roles.get("rekey-production-eu-central-1-escalate");
  const may = (action: string, resource: string) =>
    decide(
      {
        principal: { kind: "role", account: place.account, roleArn: role?.arn ?? "", sessionArn: "arn:s" },
        ...{ action, resource, owner: place.account, context: {} },
      },
      { identity: role?.policies ?? [], boundary: role?.boundary },
    ).isAllowed;
  const attributes = (type: string, name: string) =>
    [...stack.values()].find((each) => each.type === type && each.id === name);
  const table = attributes("AWS::DynamoDB::Table", "Ledger")?.attributes["Arn"] ?? "";
  const topic = attributes("AWS::SNS::Topic", "AlarmTopic")?.ref ?? "";

  expect(may("dynamodb:GetItem", table)).toBe(true);
  expect(may("sns:Publish", topic)).toBe(false);
});
