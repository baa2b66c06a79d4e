import { conditionsHold } from "./conditions.ts";
import type { Context } from "./match.ts";
import { matchesAction, matchesText, withVariables } from "./match.ts";
import type { Policy, Principals, Statement } from "./policy.ts";

/** Who calls: an assumed role, or an AWS service on behalf of one of its resources. */
export type Principal =
  | {
      readonly kind: "role";
      readonly account: string;
      /** `arn:aws:iam::…:role/[path/]name`, which `aws:PrincipalArn` is. */
      readonly roleArn: string;
      /** `arn:aws:sts::…:assumed-role/name/session`. */
      readonly sessionArn: string;
    }
  | { readonly kind: "service"; readonly service: string }
  /** Nobody signed: only what a resource's own policy says of everybody can let it in. */
  | { readonly kind: "anonymous" };

export interface Request {
  readonly principal: Principal;
  /** "secretsmanager:GetSecretValue". */
  readonly action: string;
  /** An ARN, or "*" for an action that names no resource. */
  readonly resource: string;
  /** The account that owns the resource. */
  readonly owner: string;
  readonly context: Context;
}

export interface Policies {
  /** The role's own; empty for a service. */
  readonly identity: readonly Policy[];
  /** What the resource says of its callers. A KMS key always has one. */
  readonly resource?: Policy | undefined;
  /** At most these may be done, whatever else allows it. */
  readonly boundary?: Policy | undefined;
}

export interface Decision {
  readonly isAllowed: boolean;
  /** Which statement decided, or that none allows it. */
  readonly why: string;
  /** The statement of the caller's own policies without which it would not be allowed. */
  readonly grantedBy?: string;
}

/**
 * AWS's order: an explicit Deny anywhere ends it; the boundary caps what the identity allows; inside one account
 * either side's Allow is enough, across accounts both are needed. A KMS key's policy has to allow the caller itself,
 * or hand the decision to the account's identity policies by allowing its root.
 */
export function decide(request: Request, policies: Policies): Decision {
  const { identity, resource, boundary } = policies;
  const denied =
    firstMatch(request, { policies: identity, effect: "Deny" }) ??
    firstMatch(request, { policies: boundary ? [boundary] : [], effect: "Deny" }) ??
    firstMatch(request, { policies: resource ? [resource] : [], effect: "Deny" });
  if (denied) return { isAllowed: false, why: `${denied.sid} denies it` };

  const byIdentity = allowedByIdentity(request, { identity, boundary });
  const byResource = resource && allowedByResource(request, resource);
  const isSameAccount = request.principal.kind !== "role" || request.principal.account === request.owner;
  if (request.action.startsWith("kms:") && resource !== undefined) {
    if (byResource?.direct) return { isAllowed: true, why: `the key's ${byResource.direct.sid}` };
    return byResource?.delegated && byIdentity
      ? {
          ...{ isAllowed: true, grantedBy: byIdentity.sid },
          why: `${byIdentity.sid}, to which the key's policy leaves it`,
        }
      : {
          isAllowed: false,
          why: "the key's policy does not let its identity policies decide, or they do not allow it",
        };
  }
  if (!isSameAccount) {
    return byIdentity && (byResource?.direct ?? byResource?.delegated)
      ? {
          ...{ isAllowed: true, grantedBy: byIdentity.sid },
          why: `${byIdentity.sid} and the resource's policy`,
        }
      : { isAllowed: false, why: "another account's resource needs an Allow on both sides" };
  }
  if (byIdentity) return { isAllowed: true, why: byIdentity.sid, grantedBy: byIdentity.sid };
  if (byResource?.direct) return { isAllowed: true, why: byResource.direct.sid };
  return { isAllowed: false, why: `no statement allows ${request.action} on ${request.resource}` };
}

function allowedByIdentity(
  request: Request,
  { identity, boundary }: { identity: readonly Policy[]; boundary: Policy | undefined },
): Statement | undefined {
  const allowed = firstMatch(request, { policies: identity, effect: "Allow" });
  if (boundary === undefined) return allowed;
  return firstMatch(request, { policies: [boundary], effect: "Allow" }) && allowed;
}

/** `direct` names the caller; `delegated` only names its account, which then decides by its own policies. */
function allowedByResource(request: Request, policy: Policy) {
  const allows = policy.statements.filter(
    (statement) => statement.effect === "Allow" && applies(request, { statement, policy }),
  );
  const named = (depth: "direct" | "delegated") =>
    allows.find(({ principals }) => depthOf(request.principal, principals) === depth);
  return { direct: named("direct"), delegated: named("delegated") };
}

function firstMatch(
  request: Request,
  { policies, effect }: { policies: readonly Policy[]; effect: Statement["effect"] },
): Statement | undefined {
  for (const policy of policies) {
    const found = policy.statements.find(
      (statement) =>
        statement.effect === effect &&
        depthOf(request.principal, statement.principals ?? "*") !== undefined &&
        applies(request, { statement, policy }),
    );
    if (found) return found;
  }
  return undefined;
}

function applies(request: Request, { statement, policy }: { statement: Statement; policy: Policy }): boolean {
  const { actions, resources, conditions } = statement;
  const { hasVariables } = policy;
  const { context } = request;
  const resourcePatterns = hasVariables
    ? resources.patterns.flatMap((pattern) => withVariables(pattern, context) ?? [])
    : resources.patterns;
  const isAction = actions.patterns.some((pattern) => matchesAction(request.action, pattern));
  const isResource = resourcePatterns.some((pattern) => matchesText(request.resource, pattern));
  return (
    isAction !== actions.not &&
    isResource !== resources.not &&
    conditionsHold(conditions, { context, hasVariables })
  );
}

function depthOf(
  principal: Principal,
  principals: Principals | undefined,
): "direct" | "delegated" | undefined {
  if (principals === undefined) return undefined;
  if (principals === "*") return "direct";
  if (principal.kind === "service") {
    return principals["Service"]?.includes(principal.service) ? "direct" : undefined;
  }
  const named = principals["AWS"] ?? [];
  if (principal.kind === "anonymous") return named.includes("*") ? "direct" : undefined;
  if (named.some((id) => id === "*" || id === principal.roleArn || id === principal.sessionArn))
    return "direct";
  const isAccount = (id: string) =>
    id === principal.account || /^arn:[\w-]+:iam::(\d{12}):root$/.exec(id)?.[1] === principal.account;
  return named.some(isAccount) ? "delegated" : undefined;
}
