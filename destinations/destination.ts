import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { SSMClient } from "@aws-sdk/client-ssm";
import * as z from "zod";
import type { AwsCredentials } from "../aws/signed-identity.ts";
import type { Destination, DestinationCapabilities } from "../core/copies/destination.ts";
import { CopyRefused, PolicyInvalid, ProviderThrottled, ProviderUnavailable } from "../core/errors.ts";
import type { SecretArn, SecretStore } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";

/** One kind of place that is given copies. All of it is data and pure functions; only the adapter makes calls. */
export interface DestinationKind {
  /** As the deployment names it: lower case, words joined by "-". */
  readonly kind: string;
  /** As it writes its own name. */
  readonly title: string;
  readonly capabilities: DestinationCapabilities;
  /** Strict: an unknown setting is a mistake in stages/<stage>.yml. */
  readonly settings: z.ZodType;
  /** What is wrong with the name of a value there. */
  nameMistake(name: string): string | undefined;
  /** The hosts that its token and the copies go to; none for AWS. */
  hosts(settings: unknown): readonly string[];
  readonly docs: DestinationDocs;
  /** Loads the code that makes the calls: a file of its own in each function's package. */
  adapter(): Promise<DestinationAdapter>;
}

/** What docs/destinations.md says beside the capabilities, in full sentences. */
export interface DestinationDocs {
  /** Where a copy is, and when what runs comes to use it. */
  readonly about: string;
  /** How Rekey makes sure that this is the place and environment that the deployment means. */
  readonly binding: string;
  /** What a user has to know before trusting it; each is one sentence. */
  readonly limits: readonly string[];
  /** The permissions of the token, or of the role. */
  readonly needs: string;
  readonly example: Readonly<Record<string, unknown>>;
}

/** One bounded request to an allow-listed address, as `providers/http.ts` makes it. */
export interface Http {
  send(request: HttpRequest): Promise<HttpReply>;
}

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly json: unknown;
}

/** Where in AWS a destination is; `role` is assumed, for another account. */
export interface AwsPlace {
  readonly region: string;
  readonly role?: string | undefined;
}

/** The clients of destinations in AWS, each made when it is first needed. */
export interface AwsReach {
  secrets(place: AwsPlace): SecretStore;
  parameters(place: AwsPlace): Pick<SSMClient, "send">;
  lambda(place: AwsPlace): Pick<LambdaClient, "send">;
  /** The tags of a secret by name. */
  tags(place: AwsPlace, secretArn: SecretArn): Promise<Readonly<Record<string, string>>>;
  /** Of the function's own role: a place that trusts it is given a signed question who asks. */
  credentials(): Promise<AwsCredentials>;
  /** Until a change that AWS makes in the background is over. */
  pause(ms: number): Promise<void>;
}

export interface ConnectOptions {
  readonly settings: unknown;
  /** The stage: one deployment is one environment, and a destination says that it is the same one. */
  readonly environment: string;
  /** Read once per process; `afresh` after the place refused it, because it may have been replaced. */
  token(options?: { readonly afresh?: boolean }): Promise<Secret>;
  readonly http: Http;
  readonly aws: AwsReach;
}

/** The calls of a Destination; what it can do is in the statement. */
export type DestinationCalls = Omit<Destination, "kind" | "capabilities" | "whyNotName">;

/** What `destinations/<kind>/adapter.ts` exports. */
export interface DestinationAdapter {
  /** Makes no call. Throws PolicyInvalid when the settings are not of this kind. */
  connect(options: ConnectOptions): DestinationCalls;
}

/** A full ARN: a name or a partial ARN could later mean another secret. */
export const tokenSetting = z
  .string()
  .regex(
    /^arn:aws[a-z-]{0,16}:secretsmanager:[a-z0-9-]{1,32}:\d{12}:secret:[\w/+=.@-]{1,512}-[A-Za-z0-9]{6}$/,
  );

/** The role to assume, for a place in another account. */
export const assumedRole = z.string().regex(/^arn:aws[a-z-]{0,16}:iam::\d{12}:role\/[\w/+=,.@-]{1,512}$/);

/** An https address without a path; for self-hosted places. */
export const originSetting = z
  .string()
  .regex(/^https:\/\/[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::\d{1,5})?$/);

/** For the examples of the page of all destinations. */
export const exampleToken =
  "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rekey/places/token-AbCdEf";

/** The parsed settings; a refusal names the fields, never their values. */
export function parseSettings<Settings extends z.ZodType>(
  schema: Settings,
  settings: unknown,
): z.output<Settings> {
  const parsed = schema.safeParse(settings);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join(".") || "(itself)");
  throw new PolicyInvalid(`the destination's settings are not valid: ${[...new Set(fields)].join(", ")}`);
}

/** What most places accept as the name of an environment variable. */
export function environmentNameMistake(name: string): string | undefined {
  return /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)
    ? undefined
    : "a variable's name has letters, digits and _, and does not begin with a digit";
}

/** Only the status: a body may quote the value that was sent. */
export function refusalOf({ status, headers }: HttpReply, what: string): Error {
  if (status === 429) {
    const seconds = Number(headers["retry-after"]);
    const wait = Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {};
    return new ProviderThrottled(`the destination asks for fewer calls: ${what}`, wait);
  }
  if (status >= 500) return new ProviderUnavailable(`the destination answered ${status}: ${what}`);
  return new CopyRefused(`the destination answered ${status}: ${what}`);
}

/** The reply's body in the expected form; anything else may be an outage's page, so a later try may help. */
export function understood<Schema extends z.ZodType>(schema: Schema, json: unknown): z.output<Schema> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ProviderUnavailable("the destination answered something else than it documents");
}
