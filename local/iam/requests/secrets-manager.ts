import {
  type Ask,
  type Asked,
  arnIn,
  type Call,
  type Known,
  type KnownSecret,
  type Operations,
  objectsIn,
  tagContext,
  textIn,
} from "../asked.ts";

/** Whether an operation reads, writes, or leaves the secret's value alone: a customer's key is used for the first two. */
type Use = "reads" | "writes" | "looks";

function onSecret(operation: string, use: Use = "looks"): Ask {
  return ({ input }, known) => {
    const id = textIn(input, "SecretId");
    const secret = known.secret(id);
    const resource =
      secret?.arn ?? (id.startsWith("arn:") ? id : arnIn(known, "secretsmanager", `secret:${id}`));
    const tags = secret?.tags ?? new Map<string, string>();
    const context = {
      ...tagContext("aws:resourcetag", tags),
      ...tagContext("secretsmanager:resourcetag", tags),
      "secretsmanager:secretid": id,
      ...(typeof input["VersionId"] === "string" && { "secretsmanager:versionid": input["VersionId"] }),
      ...(typeof input["VersionStage"] === "string" && {
        "secretsmanager:versionstage": input["VersionStage"],
      }),
    };
    return [{ action: `secretsmanager:${operation}`, resource, context }, ...keyUse(secret, use, known)];
  };
}

/** Secrets Manager uses the key on the caller's behalf, so the caller needs the permission, through it alone. */
function keyUse(secret: KnownSecret | undefined, use: Use, known: Known): readonly Asked[] {
  const keyArn = secret?.keyArn;
  if (secret === undefined || keyArn === undefined || use === "looks") return [];
  const context = {
    "kms:viaservice": `secretsmanager.${known.region}.amazonaws.com`,
    "kms:calleraccount": known.account,
    "kms:encryptioncontext:secretarn": secret.arn,
    "kms:encryptioncontextkeys": ["SecretARN", "SecretVersionId"],
  };
  const actions = use === "reads" ? ["kms:Decrypt"] : ["kms:GenerateDataKey", "kms:Decrypt"];
  return actions.map((action) => ({ action, resource: keyArn, context }));
}

function createSecret({ input }: Call, known: Known): readonly Asked[] {
  const resource = arnIn(known, "secretsmanager", `secret:${textIn(input, "Name")}`);
  const tags = objectsIn(input["Tags"]).map((tag) => [textIn(tag, "Key"), textIn(tag, "Value")] as const);
  const context = { ...tagContext("aws:requesttag", tags), "aws:tagkeys": tags.map(([key]) => key) };
  const actions = tags.length > 0 ? ["CreateSecret", "TagResource"] : ["CreateSecret"];
  return actions.map((action) => ({ action: `secretsmanager:${action}`, resource, context }));
}

/** Needs its own permission, and the one to read each secret that it names. */
const batchGetSecretValue: Ask = (call, known) => {
  const ids = Array.isArray(call.input["SecretIdList"]) ? call.input["SecretIdList"].map(String) : [];
  const read = onSecret("GetSecretValue", "reads");
  return [
    { action: "secretsmanager:BatchGetSecretValue", resource: "*" },
    ...ids.flatMap((id) => read({ ...call, input: { SecretId: id } }, known)),
  ];
};

const withoutResource = (operation: string): Ask => {
  return () => [{ action: `secretsmanager:${operation}`, resource: "*" }];
};

export const secretsManagerRequests: Operations = {
  CreateSecret: createSecret,
  DescribeSecret: onSecret("DescribeSecret"),
  ListSecretVersionIds: onSecret("ListSecretVersionIds"),
  GetSecretValue: onSecret("GetSecretValue", "reads"),
  BatchGetSecretValue: batchGetSecretValue,
  PutSecretValue: onSecret("PutSecretValue", "writes"),
  UpdateSecret: onSecret("UpdateSecret", "writes"),
  UpdateSecretVersionStage: onSecret("UpdateSecretVersionStage"),
  DeleteSecret: onSecret("DeleteSecret"),
  RestoreSecret: onSecret("RestoreSecret"),
  TagResource: onSecret("TagResource"),
  UntagResource: onSecret("UntagResource"),
  RotateSecret: onSecret("RotateSecret"),
  CancelRotateSecret: onSecret("CancelRotateSecret"),
  ListSecrets: withoutResource("ListSecrets"),
  GetRandomPassword: withoutResource("GetRandomPassword"),
};
