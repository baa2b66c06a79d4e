import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readGrants } from "../../cli/read-grants.ts";
import { type Grants, wideGrants } from "../../cli/wide-grants.ts";

const functionArn = "arn:aws:lambda:eu-west-1:111122223333:function:rekey-production-admin";

function statement(given: object): string {
  const Allow = { Sid: "S", Effect: "Allow", Action: "lambda:InvokeFunction", Resource: functionArn };
  return JSON.stringify({ Version: "2012-10-17", Statement: [{ ...Allow, ...given }] });
}

const found = (document: string): readonly string[] =>
  wideGrants({
    functionArn,
    holders: [{ name: "role/dev", documents: [document] }],
    unseen: [],
  }).map(({ severity, about, message }) => `${severity}: ${about} ${message}`);

describe("a grant that lets somebody invoke the admin function directly", () => {
  const direct = ["problem: role/dev may invoke the admin function directly: S"];

  test.each([
    ["by its ARN", {}],
    ["by one of its versions", { Resource: `${functionArn}:7` }],
    ["by a pattern", { Resource: ["arn:aws:lambda:*:*:function:rekey-*"] }],
    ["by a pattern of actions in another case", { Action: ["LAMBDA:invoke*"], Resource: "*" }],
    ["by leaving out other actions", { Action: undefined, NotAction: ["iam:*"], Resource: "*" }],
    ["with a condition that says something else", { Condition: { Bool: { "aws:SecureTransport": "true" } } }],
    [
      "only where it is not through the URL",
      { Condition: { Bool: { "lambda:InvokedViaFunctionUrl": "false" } } },
    ],
  ])("%s", (_how, given) => {
    expect(found(statement(given))).toEqual(direct);
  });

  test.each([
    ["through the URL only", { Condition: { Bool: { "lambda:InvokedViaFunctionUrl": "true" } } }],
    ["another function", { Resource: `${functionArn.slice(0, -"admin".length)}sweep` }],
    ["another action", { Action: "lambda:InvokeFunctionUrl" }],
    ["a denial", { Effect: "Deny" }],
    ["all but Lambda", { Action: undefined, NotAction: ["lambda:*"], Resource: "*" }],
  ])("is not: %s", (_what, given) => {
    expect(found(statement(given))).toEqual([]);
  });

  test("who may do everything is named, as an advice: that grant is no worse than the rest", () => {
    expect(found(statement({ Action: "*", Resource: "*" }))).toEqual([
      "advice: role/dev may do everything in the account, and with it invoke the admin function directly",
    ]);
  });

  test("the function's own policy is looked at too", () => {
    const grants: Grants = {
      functionArn,
      resourcePolicy: statement({ Sid: "Tool" }),
      holders: [],
      unseen: [],
    };
    expect(wideGrants(grants)).toMatchObject([
      {
        ...{ severity: "problem", about: "admin function" },
        message: "its own policy lets it be invoked directly: Tool",
        hint: `remove it: aws lambda remove-permission --function-name ${functionArn} --statement-id SID`,
      },
    ]);
  });
});

describe("what AWS says", () => {
  const encoded = (document: string) => encodeURIComponent(document);
  let server: Server;
  let answers: Readonly<Record<string, { readonly status: number; readonly body: string }>> = {};

  beforeAll(async () => {
    server = createServer((request, response) => {
      const isPolicy = request.url?.endsWith("/policy") === true;
      const { status, body } = answers[isPolicy ? "policy" : "iam"] ?? { status: 500, body: "" };
      response.writeHead(status, {
        "content-type": isPolicy ? "application/json" : "text/xml",
        ...(status === 404 && { "x-amzn-errortype": "ResourceNotFoundException" }),
        ...(status === 403 && { "x-amzn-errortype": "AccessDeniedException" }),
      });
      response.end(body);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
  });
  afterAll(async () => {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  });

  const read = () => {
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const credentials = { accessKeyId: "FAKE", secretAccessKey: "FAKE" };
    return readGrants(functionArn, { endpoint, region: "eu-west-1", credentials });
  };

  test("inline and managed policies of roles, users and groups, and the function's own", async () => {
    const [inline, managed, own] = [{ Sid: "Inline" }, { Sid: "Managed" }, { Sid: "Own" }].map(statement);
    answers = {
      policy: { status: 200, body: JSON.stringify({ Policy: own }) },
      iam: {
        status: 200,
        body: `<GetAccountAuthorizationDetailsResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
<GetAccountAuthorizationDetailsResult><IsTruncated>false</IsTruncated>
<UserDetailList/><GroupDetailList><member><GroupName>ops</GroupName><GroupPolicyList/>
<AttachedManagedPolicies><member><PolicyName>M</PolicyName><PolicyArn>arn:aws:iam::1:policy/M</PolicyArn></member>
</AttachedManagedPolicies></member></GroupDetailList>
<RoleDetailList><member><RoleName>tool</RoleName><RolePolicyList><member><PolicyName>I</PolicyName>
<PolicyDocument>${encoded(inline ?? "")}</PolicyDocument></member></RolePolicyList><AttachedManagedPolicies/></member></RoleDetailList>
<Policies><member><Arn>arn:aws:iam::1:policy/M</Arn><DefaultVersionId>v2</DefaultVersionId><PolicyVersionList>
<member><VersionId>v1</VersionId><Document>${encoded("{}")}</Document></member>
<member><VersionId>v2</VersionId><Document>${encoded(managed ?? "")}</Document></member>
</PolicyVersionList></member></Policies></GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>`,
      },
    };

    const grants = await read();

    expect(grants).toMatchObject({ resourcePolicy: own, unseen: [] });
    expect(wideGrants(grants).map(({ about, message }) => `${about}: ${message}`)).toEqual([
      "admin function: its own policy lets it be invoked directly: Own",
      "role/tool: may invoke the admin function directly: Inline",
      "group/ops: may invoke the admin function directly: Managed",
    ]);
  });

  test("a function without a policy of its own, for somebody who may not read roles", async () => {
    const denied =
      "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
    answers = { policy: { status: 404, body: "{}" }, iam: { status: 403, body: denied } };

    const grants = await read();

    expect(grants.resourcePolicy).toBeUndefined();
    expect(grants.holders).toEqual([]);
    expect(grants.unseen).toEqual([
      expect.stringMatching(
        /^roles and users \(AccessDenied\w*: allow iam:GetAccountAuthorizationDetails\)$/,
      ),
    ]);
    expect(wideGrants(grants)).toEqual([]);
  });
});
