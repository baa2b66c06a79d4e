import { ofType, type Stack } from "../stack/resolve.ts";
import { type Policy, parsePolicy } from "./policy.ts";

/** A role with its policies read once. */
export interface Role {
  readonly arn: string;
  readonly name: string;
  readonly policies: readonly Policy[];
  /** Who may assume it; people's roles are assumed outside of this cloud. */
  readonly trust?: Policy;
  readonly boundary?: Policy;
}

/** By role name, the roles that the template makes. */
export function rolesIn(stack: Stack): ReadonlyMap<string, Role> {
  return new Map(
    ofType(stack, "AWS::IAM::Role").map(({ ref, attributes, properties }) => {
      const given = properties["Policies"] as readonly { readonly PolicyDocument: unknown }[];
      const role: Role = {
        arn: attributes["Arn"] ?? "",
        name: ref,
        policies: given.map(({ PolicyDocument }) => parsePolicy(PolicyDocument)),
        trust: parsePolicy(properties["AssumeRolePolicyDocument"]),
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
