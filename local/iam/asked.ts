import type { HttpRequest } from "../aws/service.ts";
import type { Context } from "./match.ts";

/** One permission that a call needs; a call may need several, and gets none served unless it has all. */
export interface Asked {
  /** "secretsmanager:GetSecretValue". */
  readonly action: string;
  /** An ARN, or "*" for an action that names no resource. */
  readonly resource: string;
  /** By condition key in lower case: what the request itself says, and the tags of its resource. */
  readonly context?: Context;
  /** Whoever signed it does not matter: a function's public URL. */
  readonly isAnonymous?: true;
}

/** A call to a stand-in: `input` for the JSON protocols, `request` for REST, forms and XML. */
export interface Call {
  /** The stand-in's target or name: "secretsmanager", "AWSStepFunctions", "s3". */
  readonly service: string;
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly request?: HttpRequest;
}

/** What the stand-ins know of their resources. */
export interface Known {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  /** By name or ARN. */
  secret(id: string): KnownSecret | undefined;
  /** The machine whose task waits with this token. */
  machineOfToken(token: string): string | undefined;
  /** The key that encrypts a table, by the table's name. */
  keyOfTable(name: string): string | undefined;
  /** How a function's URL lets callers in; undefined for a function without one. */
  urlAuth(functionName: string): "AWS_IAM" | "NONE" | undefined;
}

export interface KnownSecret {
  readonly arn: string;
  readonly tags: ReadonlyMap<string, string>;
  /** A key of the customer's; the account's own needs no permission. */
  readonly keyArn?: string | undefined;
}

export type Ask = (call: Call, known: Known) => readonly Asked[];
export type Operations = Readonly<Record<string, Ask>>;

export function arnIn(
  { partition, region, account }: Pick<Known, "partition" | "region" | "account">,
  service: string,
  rest: string,
): string {
  return `arn:${partition}:${service}:${region}:${account}:${rest}`;
}

export function textIn(input: Readonly<Record<string, unknown>>, name: string): string {
  const value = input[name];
  return typeof value === "string" ? value : "";
}

export function objectsIn(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "object" && each !== null) : [];
}

/** Tags as a condition sees them. */
export function tagContext(prefix: string, tags: Iterable<readonly [string, string]>): Context {
  return Object.fromEntries([...tags].map(([key, value]) => [`${prefix}/${key}`.toLowerCase(), value]));
}
