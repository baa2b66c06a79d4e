/** A value of a template: text, or an intrinsic function. */
export type Value = string | { readonly [intrinsic: string]: unknown };

export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action?: readonly string[];
  readonly NotAction?: readonly string[];
  readonly Resource: readonly Value[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, Value | readonly Value[]>>>>;
}

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export type Resources = Readonly<Record<string, Resource>>;

export function allow(Sid: string, Action: readonly string[], Resource: readonly Value[]): Statement {
  return { Sid, Effect: "Allow", Action, Resource };
}

/** In `secrets` and `refreshAllowed`: whatever carries the tag, in place of a list that grows with the account. */
export const tagged = "tagged";

/** The condition that a resource is this environment's, and that its owner gave it to Rekey for this use. */
export function taggedAs(use: "rotated" | "refresh", environment: string) {
  return {
    StringEquals: { "aws:ResourceTag/Environment": environment, "aws:ResourceTag/Rekey": use },
  } as const;
}

/** The service that KMS is used through. Not every partition's services have the names of the oldest one. */
export function viaService(service: string): readonly Value[] {
  return [
    sub(`${service}.\${AWS::Region}.amazonaws.com`),
    sub(`${service}.\${AWS::Region}.\${AWS::URLSuffix}`),
  ];
}

export function sub(text: string): Value {
  return { "Fn::Sub": text };
}

export function arnOf(logicalId: string): Value {
  return { "Fn::GetAtt": [logicalId, "Arn"] };
}

/** An ARN in this account and Region; `rest` is what follows the account. */
export function localArn(service: string, rest: string): Value {
  return sub(`arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${rest}`);
}

/** A machine's ARN by its name: a reference would be circular, because the machine refers to the functions. */
export function machineArn(environment: string, machine: string): Value {
  return localArn("states", `stateMachine:rekey-${environment}-${machine}`);
}

/** Secrets Manager ends each ARN with six characters of its own; "*" there would match longer names too. */
export function secretArns(names: readonly string[]): readonly Value[] {
  return names.map((name) =>
    name.startsWith("arn:") ? name : localArn("secretsmanager", `secret:${name}-??????`),
  );
}
