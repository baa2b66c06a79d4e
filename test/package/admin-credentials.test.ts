import { handlerNames, logicalName } from "../../serverless/handlers.ts";
import { deployment } from "./deployment.ts";
import { rendered, statementsOf } from "./packaged.ts";

const arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rekey/admin/openai-FAKE01";
const key = "arn:aws:kms:eu-central-1:123456789012:key/0000-FAKE";
const listing = { ...deployment, rotatedAdminSecrets: [arn], secretKeys: [key] };

const resource = (id: string, given = listing) => rendered(given)[id];

/** Those whose steps touch a credential while it is replaced. */
const trusted = [
  ...["open-rotation", "mint-key", "prove-incoming", "promote-version", "check-adoption", "quarantine-key"],
  ...["revoke-key", "prove-dead", "close-rotation", "settle-rotation", "settle-closed", "sweep", "admin"],
];

test("one role may write the admin credentials that are listed, and no other secret", () => {
  const role = resource("AdminCredentialsRole");
  if (role === undefined) throw new Error("there is no role");
  const allowed = statementsOf(role).filter(({ Effect }) => Effect === "Allow");
  expect(allowed.map(({ Resource }) => Resource)).toEqual([[arn], [key]]);
  const denied = statementsOf(role).filter(({ Effect }) => Effect === "Deny");
  expect(denied.map(({ Sid }) => Sid)).toEqual(["OtherEnvironments"]);
});

test("only the steps of a rotation are trusted by it, may assume it, and are told of it", () => {
  const { AssumeRolePolicyDocument: trust } = resource("AdminCredentialsRole")?.Properties ?? {};
  expect(trust).toMatchObject({
    Statement: [
      { Principal: { AWS: trusted.map((name) => ({ "Fn::GetAtt": [`${logicalName(name)}Role`, "Arn"] })) } },
    ],
  });
  for (const name of handlerNames()) {
    const role = resource(`${logicalName(name)}Role`);
    const may = role !== undefined && JSON.stringify(role).includes("ReplaceAdminCredentials");
    expect([name, may]).toEqual([name, trusted.includes(name)]);
    const isTold = JSON.stringify(resource(`${logicalName(name)}LambdaFunction`)).includes(
      "REKEY_ADMIN_ROLE",
    );
    expect([name, isTold]).toEqual([name, trusted.includes(name)]);
  }
});

test("where none is listed there is no such role, and nobody is told of one", () => {
  const text = JSON.stringify(rendered(deployment));
  for (const trace of ["AdminCredentialsRole", "ReplaceAdminCredentials", "REKEY_ADMIN_ROLE"])
    expect(text).not.toContain(trace);
});
