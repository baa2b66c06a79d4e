import { parsePolicy } from "./iam/policy.ts";
import { type Role, sessionArn } from "./iam/roles.ts";
import { ofType, type Stack } from "./stack/resolve.ts";

/**
 * Who calls besides the functions: by role, the deployment's managed policies that are attached to it. The
 * administrator stands for the account's own: it makes the tables that CloudFormation would, and the secrets. The
 * deployer has what `npm run policy:deployer` prints, which has to exist before the stack does.
 */
const attached = {
  consumers: ["ConsumerPolicy"],
  operator: ["ReaderPolicy", "OperatorPolicy"],
  supplier: ["ReaderPolicy", "OperatorPolicy", "SupplierPolicy"],
  reader: ["ReaderPolicy"],
  auditor: ["AuditorPolicy"],
  // Whoever sits at the laptop is all of them, so that each command that Rekey prints works there.
  owner: ["ReaderPolicy", "OperatorPolicy", "SupplierPolicy", "AuditorPolicy"],
  administrator: [],
  deployer: [],
} as const;

export type Principal = keyof typeof attached;

const everything = parsePolicy({
  Version: "2012-10-17",
  Statement: { Sid: "Everything", Effect: "Allow", Action: "*", Resource: "*" },
});

/** Only STS looks at the secret access key; each principal has its own. */
export function credentialsOf(principal: Principal, session?: string) {
  const own = session === undefined ? "" : `-${session}`;
  // As long as one of AWS: who orders is refused with a shorter one.
  const accessKeyId = `AKIAFAKE${principal.toUpperCase()}`.padEnd(20, "0") + own;
  return { accessKeyId, secretAccessKey: `FAKE-${principal}` };
}

/** What a consumer called so signs as: its session is tagged with its name, as its role would be in AWS. */
export function consumerSession(account: string, name: string) {
  const { accessKeyId } = credentialsOf("consumers", name);
  const role = { arn: `arn:aws:iam::${account}:role/consumers`, name: "consumers" };
  return { [accessKeyId]: { account, arn: sessionArn(role, name) } };
}

/** What an access key id of a principal signs with. */
export function secretOf(accessKeyId: string): string | undefined {
  const found = (Object.keys(attached) as Principal[]).map((principal) => credentialsOf(principal));
  // The session of one consumer signs with what all of them sign with.
  const isOf = (own: string) => accessKeyId === own || accessKeyId.startsWith(`${own}-`);
  return found.find((credentials) => isOf(credentials.accessKeyId))?.secretAccessKey;
}

/** Where docs/deploy.md has a release's zips lie; whoever deploys it needs this beside the deployer's policy. */
const releaseStatement = {
  ...{ Sid: "Release", Effect: "Allow", Action: ["s3:GetObject", "s3:PutObject"] },
  Resource: ["arn:aws:s3:::acme-releases/*"],
};

/** The roles of people, by name. `deployer` is the policy that `npm run policy:deployer` prints. */
export function peopleIn(
  stack: Stack,
  { account, deployer }: { readonly account: string; readonly deployer: unknown },
): ReadonlyMap<string, Role> {
  const release = { Version: "2012-10-17", Statement: releaseStatement };
  const given: Readonly<Record<string, Role["policies"]>> = {
    administrator: [everything],
    deployer: [parsePolicy(deployer), parsePolicy(release)],
  };
  const documents = new Map(
    ofType(stack, "AWS::IAM::ManagedPolicy").map(({ id, properties }) => [id, properties["PolicyDocument"]]),
  );
  return new Map(
    Object.entries(attached).map(([name, ids]) => {
      // Before a deployment there are no policies to attach, and nobody but the administrator may do anything.
      const policies = ids.filter((id) => documents.has(id)).map((id) => parsePolicy(documents.get(id)));
      const own = given[name] ?? policies;
      const tag = name === "consumers" ? { sessionTag: "rekey-consumer" } : {};
      return [name, { arn: `arn:aws:iam::${account}:role/${name}`, name, policies: own, ...tag }];
    }),
  );
}

/** By access key id, the session that signs with it. */
export function peopleSessions(account: string) {
  return Object.fromEntries(
    (Object.keys(attached) as Principal[]).map((name) => {
      const arn = sessionArn({ arn: `arn:aws:iam::${account}:role/${name}`, name }, "local");
      return [credentialsOf(name).accessKeyId, { account, arn }];
    }),
  );
}
