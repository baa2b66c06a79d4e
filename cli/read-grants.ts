import { awsBounds } from "../aws/bounds.ts";
import type { Grants, Holder } from "./wide-grants.ts";

/** A page holds about a hundred roles. An account with more pages is too large for this command. */
const pagesMax = 100;

/** Reads what the caller may read, and says what it may not. `config` is added to what the SDK finds by itself. */
export async function readGrants(functionArn: string, config = {}): Promise<Grants> {
  const unseen: string[] = [];
  const resourcePolicy = await resourcePolicyOf(functionArn, config).catch((error: unknown) => {
    unseen.push(`the policy of the admin function (${nameOf(error)}: allow lambda:GetPolicy)`);
    return undefined;
  });
  const holders = await holdersIn(config).catch((error: unknown) => {
    unseen.push(`roles and users (${nameOf(error)}: allow iam:GetAccountAuthorizationDetails)`);
    return [];
  });
  return { functionArn, resourcePolicy, holders, unseen };
}

async function resourcePolicyOf(FunctionName: string, config: object): Promise<string | undefined> {
  const { GetPolicyCommand, LambdaClient } = await import("@aws-sdk/client-lambda");
  const client = new LambdaClient({ ...awsBounds, ...config });
  try {
    return (await client.send(new GetPolicyCommand({ FunctionName }))).Policy;
  } catch (error) {
    if (nameOf(error) === "ResourceNotFoundException") return undefined;
    throw error;
  }
}

interface Attached {
  readonly PolicyArn?: string | undefined;
}
interface Inline {
  readonly PolicyDocument?: string | undefined;
}

async function holdersIn(config: object): Promise<readonly Holder[]> {
  const { GetAccountAuthorizationDetailsCommand, IAMClient } = await import("@aws-sdk/client-iam");
  const client = new IAMClient({ ...awsBounds, ...config });
  const policies = new Map<string, string>();
  const found: { name: string; inline: readonly Inline[]; attached: readonly Attached[] }[] = [];
  let Marker: string | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const details = await client.send(
      new GetAccountAuthorizationDetailsCommand({ ...(Marker && { Marker }) }),
    );
    for (const { Arn = "", DefaultVersionId, PolicyVersionList = [] } of details.Policies ?? []) {
      const version = PolicyVersionList.find(({ VersionId }) => VersionId === DefaultVersionId);
      policies.set(Arn, decoded(version?.Document));
    }
    for (const {
      RoleName = "",
      RolePolicyList = [],
      AttachedManagedPolicies = [],
    } of details.RoleDetailList ?? [])
      found.push({ name: `role/${RoleName}`, inline: RolePolicyList, attached: AttachedManagedPolicies });
    for (const {
      UserName = "",
      UserPolicyList = [],
      AttachedManagedPolicies = [],
    } of details.UserDetailList ?? [])
      found.push({ name: `user/${UserName}`, inline: UserPolicyList, attached: AttachedManagedPolicies });
    for (const {
      GroupName = "",
      GroupPolicyList = [],
      AttachedManagedPolicies = [],
    } of details.GroupDetailList ?? [])
      found.push({ name: `group/${GroupName}`, inline: GroupPolicyList, attached: AttachedManagedPolicies });
    Marker = details.IsTruncated === true ? details.Marker : undefined;
    if (Marker === undefined) break;
  }
  return found.map(({ name, inline, attached }) => ({
    name,
    documents: [
      ...inline.map(({ PolicyDocument }) => decoded(PolicyDocument)),
      ...attached.map(({ PolicyArn = "" }) => policies.get(PolicyArn) ?? decoded(undefined)),
    ],
  }));
}

/** IAM's answers hold the policy documents URL-encoded. */
function decoded(document: string | undefined): string {
  return document === undefined ? "{}" : decodeURIComponent(document);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error);
}
