import { AwsError, type Caller } from "../aws/service.ts";
import { type Asked, type Call, type Known, tagContext } from "./asked.ts";
import { decide, type Principal } from "./decide.ts";
import type { Context } from "./match.ts";
import type { Policy } from "./policy.ts";
import { askedBy } from "./requests.ts";
import { policyOf } from "./resource-policies.ts";
import { type Role, sessionArn } from "./roles.ts";

/** One call that was refused, in words that name whoever lacks the permission. */
export interface Denial {
  /** The role's name, or the service's. */
  readonly who: string;
  readonly action: string;
  readonly resource: string;
  readonly why: string;
}

export interface GuardOptions {
  readonly known: Known;
  /** By name; read at each decision, because deployments change them. */
  readonly roles: () => ReadonlyMap<string, Role>;
  /** By ARN; likewise. */
  readonly resourcePolicies: () => ReadonlyMap<string, Policy>;
}

/** A service that acts for one of its resources. */
export interface ServiceCall {
  /** "events.amazonaws.com". */
  readonly service: string;
  /** The rule, the schedule group, the machine. */
  readonly sourceArn: string;
  readonly action: string;
  readonly resource: string;
}

export interface Guard {
  /** Throws an AwsError unless the caller's role may make the call. */
  admit(caller: Caller, call: Call): void;
  /** The same for what CloudFormation calls for whoever deploys. */
  admitAsked(caller: Caller, asked: readonly Asked[]): void;
  /** The same for what a service does under a role that was lent to it: the role has to trust the service, too. */
  admitLent(roleArn: string, lent: Lent): void;
  /** The same for a service without a role, which the resource itself has to let in. */
  admitService(call: ServiceCall): void;
  /** Oldest first. */
  readonly denials: readonly Denial[];
  /** By role name, the actions that were allowed, each with the statement that allowed it: "ReadLedger dynamodb:GetItem". */
  used(): ReadonlyMap<string, ReadonlySet<string>>;
}

interface Lent {
  /** "states.amazonaws.com". */
  readonly service: string;
  readonly sourceArn: string;
  /** Names the session, such as the execution. */
  readonly session: string;
  readonly asked: readonly Asked[];
}

const denialsMax = 1_000;

/** Decides every call to the stand-ins by the roles and the resource policies of the template. */
export function guard(options: GuardOptions): Guard {
  return new Decisions(options);
}

class Decisions implements Guard {
  readonly denials: Denial[] = [];
  readonly #options: GuardOptions;
  readonly #used = new Map<string, Set<string>>();

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  admit(caller: Caller, call: Call): void {
    const asked = askedBy(call, this.#options.known);
    if (asked === undefined) {
      const action = `${call.service}:${call.operation}`;
      const why = "local/iam/requests/ does not say what this operation asks for";
      throw this.#refused({ who: caller.arn, action, resource: "*", why }, caller.arn);
    }
    for (const each of asked) {
      if (each.isAnonymous) this.#decide(anonymous, each);
      else this.#decideFor(caller, each);
    }
  }

  admitAsked(caller: Caller, asked: readonly Asked[]): void {
    for (const each of asked) this.#decideFor(caller, each);
  }

  admitLent(roleArn: string, { service, sourceArn, session, asked }: Lent): void {
    const role = this.#roleNamed(roleArn);
    const { account } = this.#options.known;
    const trusted = decide(
      {
        principal: { kind: "service", service },
        ...{ action: "sts:AssumeRole", resource: roleArn, owner: account },
        context: { "aws:sourcearn": sourceArn, "aws:sourceaccount": account },
      },
      { identity: [], resource: role.trust },
    );
    if (!trusted.isAllowed)
      throw this.#refused({ who: service, action: "sts:AssumeRole", resource: roleArn, ...trusted }, service);
    const caller = { accessKeyId: "", account, arn: sessionArn(role, session) };
    this.admitAsked(caller, asked);
  }

  admitService({ service, sourceArn, action, resource }: ServiceCall): void {
    const context = { "aws:sourcearn": sourceArn, "aws:sourceaccount": this.#options.known.account };
    this.#decide({ kind: "service", service }, { action, resource, context });
  }

  used(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#used;
  }

  #decideFor({ account, arn }: Caller, asked: Asked): void {
    const [, name = "", session = ""] = /:assumed-role\/([^/]+)\/(.*)$/.exec(arn) ?? [];
    const role = this.#roleNamed(name);
    const tags = role.sessionTag === undefined ? [] : [[role.sessionTag, session] as const];
    const context = { ...tagContext("aws:PrincipalTag", tags), ...asked.context };
    if (asked.action === "sts:AssumeRole") this.#assertTrusted({ account, arn, role }, asked.resource);
    this.#decide({ kind: "role", account, roleArn: role.arn, sessionArn: arn }, { ...asked, context }, role);
  }

  /** AWS asks the role too: that the caller may assume it is not enough. */
  #assertTrusted(
    { account, arn, role }: { readonly account: string; readonly arn: string; readonly role: Role },
    roleArn: string,
  ): void {
    const principal = { kind: "role", account, roleArn: role.arn, sessionArn: arn } as const;
    const asked = { action: "sts:AssumeRole", resource: roleArn, owner: account, context: {} };
    const { trust } = this.#roleNamed(roleArn);
    const { isAllowed } = decide(
      { principal, ...asked, owner: "" },
      { identity: role.policies, resource: trust },
    );
    if (isAllowed) return;
    const why = "the role does not trust the caller";
    throw this.#refused({ who: role.name, action: asked.action, resource: roleArn, why }, arn);
  }

  #decide(principal: Principal, asked: Asked, role?: Role): void {
    const { account, region } = this.#options.known;
    const { action, resource } = asked;
    const said: Context = {
      // Loopback has no TLS, and nothing on it leaves this machine.
      ...{ "aws:securetransport": "true", "aws:requestedregion": region },
      ...(principal.kind === "role" && {
        "aws:principalarn": principal.roleArn,
        "aws:principalaccount": principal.account,
        "aws:principaltype": "AssumedRole",
      }),
      ...asked.context,
    };
    const decision = decide(
      { principal, action, resource, owner: resource.split(":")[4] || account, context: said },
      {
        identity: role?.policies ?? [],
        resource: policyOf(resource, this.#options.resourcePolicies()),
        boundary: role?.boundary,
      },
    );
    if (decision.isAllowed) {
      const { grantedBy } = decision;
      if (role !== undefined && grantedBy !== undefined) this.#note(role.name, `${grantedBy} ${action}`);
      return;
    }
    const who = role?.name ?? (principal.kind === "service" ? principal.service : "anybody");
    const named = principal.kind === "role" ? principal.sessionArn : who;
    throw this.#refused({ who, action, resource, why: decision.why }, named);
  }

  #note(role: string, use: string): void {
    const uses = this.#used.get(role) ?? new Set();
    this.#used.set(role, uses.add(use));
  }

  /** By name or by ARN. A caller whose role the cloud does not know is turned away like one with a wrong key. */
  #roleNamed(nameOrArn: string): Role {
    const role = this.#options.roles().get(nameOrArn.split("/").at(-1) ?? "");
    if (role !== undefined) return role;
    throw new AwsError(
      "UnrecognizedClientException",
      "The security token included in the request is invalid.",
      403,
    );
  }

  #refused(denial: Denial, user: string): AwsError {
    if (this.denials.length < denialsMax) this.denials.push(denial);
    const { action, resource, why } = denial;
    const message = `User: ${user} is not authorized to perform: ${action} on resource: ${resource} because ${why}`;
    return new AwsError("AccessDeniedException", message, 400);
  }
}

const anonymous: Principal = { kind: "anonymous" };

/** What a denial looks like in an error's message or a run's complaint. */
export function denialText({ who, action, resource, why }: Denial): string {
  return `${who} may not ${action} on ${resource}: ${why}`;
}
