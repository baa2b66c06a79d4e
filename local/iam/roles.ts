import { ofType, type Stack } from "../stack/resolve.ts";
import { type Policy, PolicyNotUnderstood, parsePolicy } from "./policy.ts";

/** A role with its policies read once. */
export interface Role {
  readonly arn: string;
  readonly name: string;
  readonly policies: readonly Policy[];
  /** Who may assume it; people's roles are assumed outside of this cloud. */
  readonly trust?: Policy;
  readonly boundary?: Policy;
  /** A tag of the principal that holds its session's name. */
  readonly sessionTag?: string;
}

/**
 * By role name, the roles that the template makes. A boundary is a policy of the account's own: `boundaries` has its
 * document by its ARN, and one that is not there is refused, because calls would be allowed here that AWS denies.
 */
export function rolesIn(
  stack: Stack,
  boundaries: Readonly<Record<string, unknown>> = {},
): ReadonlyMap<string, Role> {
  const boundaryOf = (arn: string) => {
    if (Object.hasOwn(boundaries, arn)) return parsePolicy(boundaries[arn]);
    throw new PolicyNotUnderstood(
      `the permissions boundary ${arn}: the local cloud is not told what it says`,
    );
  };
  return new Map(
    ofType(stack, "AWS::IAM::Role").map(({ ref, attributes, properties }) => {
      const given = properties["Policies"] as readonly { readonly PolicyDocument: unknown }[];
      const role: Role = {
        arn: attributes["Arn"] ?? "",
        name: ref,
        policies: given.map(({ PolicyDocument }) => parsePolicy(PolicyDocument)),
        trust: parsePolicy(properties["AssumeRolePolicyDocument"]),
        ...(properties["PermissionsBoundary"] !== undefined && {
          boundary: boundaryOf(String(properties["PermissionsBoundary"])),
        }),
      };
      return [ref, role] as const;
    }),
  );
}

/** `arn:aws:sts::…:assumed-role/NAME/SESSION`. */
export function sessionArn({ arn, name }: Pick<Role, "arn" | "name">, session: string): string {
  const [, partition = "aws", , , account = ""] = arn.split(":");
  return `arn:${partition}:sts::${account}:assumed-role/${name}/${session}`;
}
