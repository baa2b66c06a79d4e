import type { Clock } from "./clock.ts";
import type { CredentialSource, Environment, Fetch } from "./credentials.ts";
import { endpointOf } from "./endpoints.ts";
import { ignore, OptionInvalid, type UnavailableReason, UpstreamUnavailable } from "./errors.ts";
import { sign } from "./sigv4.ts";

/** One version of a secret, as GetSecretValue answers it. */
export interface Reading {
  ARN: string;
  Name?: string;
  VersionId: string;
  /** Absent for a binary secret. */
  SecretString?: string;
  SecretBinary?: string;
  VersionStages?: readonly string[];
  /** Seconds since 1970. */
  CreatedDate?: number;
}

/** One EventBridge entry. */
export interface ReportEntry {
  EventBusName: string;
  Source: string;
  DetailType: string;
  Resources: string[];
  Detail: string;
}

/** The three calls this package makes. Each may be repeated. */
export interface Calls {
  "secretsmanager.GetSecretValue": {
    input: { SecretId: string; VersionId?: string; VersionStage?: string };
    answer: Reading;
  };
  "secretsmanager.DescribeSecret": {
    input: { SecretId: string };
    answer: { VersionIdsToStages?: Readonly<Record<string, readonly string[]>> };
  };
  "AWSEvents.PutEvents": {
    input: { Entries: [ReportEntry] };
    answer: { FailedEntryCount?: number; Entries?: readonly { ErrorCode?: string }[] };
  };
}

/** Makes one call. Ends soon after `signal` aborts, and rejects with an `UpstreamUnavailable`. */
export type Transport = <T extends keyof Calls>(
  target: T,
  input: Calls[T]["input"],
  signal: AbortSignal,
) => Promise<Calls[T]["answer"]>;

export interface AwsOptions {
  clock: Clock;
  env: Environment;
  fetch: Fetch;
  credentials: CredentialSource;
  region: string | undefined;
  endpoint: string | undefined;
  useFipsEndpoint?: boolean | undefined;
  useDualstackEndpoint?: boolean | undefined;
}

/** Signed calls of AWS's JSON 1.1 protocol. */
export function awsTransport({ clock, fetch, credentials, ...place }: AwsOptions): Transport {
  const call = async (action: string, input: object, signal: AbortSignal): Promise<unknown> => {
    const target = placeOf(input, place);
    const method = "POST";
    const body = JSON.stringify(input);
    const plain = { "content-type": "application/x-amz-json-1.1", "x-amz-target": action };
    const signing = { nowMs: clock.wallMs(), credentials: await credentials() };
    const headers = sign({ ...target, method, body, headers: plain, ...signing });
    const response = await fetch(target.url, { method, headers, body, signal, redirect: "error" });
    if (response.ok) return response.json();

    // Of an error answer only its code is kept: the message may quote anything.
    const { status } = response;
    const said = (await response.json().catch(ignore)) as { __type?: unknown } | undefined;
    const code = /\w+$/.exec(`${said?.__type}`)?.[0];
    throw new UpstreamUnavailable(reasonOf(`${status} ${code}`), { status, code });
  };
  return call as Transport;
}

type Place = Omit<AwsOptions, "clock" | "fetch" | "credentials">;

/** A resource is in the Region that its ARN names, whatever Region this process runs in. */
function placeOf(input: object, place: Place) {
  const { env, region: given, endpoint } = place;
  const { SecretId, Entries } = input as { SecretId?: string; Entries?: [ReportEntry] };
  const service = Entries ? "events" : "secretsmanager";
  const [arn, , , named] = (SecretId ?? Entries?.[0].EventBusName ?? "").split(":");
  const region = (arn === "arn" && named) || given || env["AWS_REGION"];
  if (!region)
    throw new OptionInvalid(
      "no AWS Region is known: set AWS_REGION, pass region, or name the secret by its ARN",
    );

  const variable = "AWS_ENDPOINT_URL";
  const configured = env[`${variable}_${Entries ? "EVENTBRIDGE" : "SECRETS_MANAGER"}`] || env[variable];
  const useFips = place.useFipsEndpoint ?? env["AWS_USE_FIPS_ENDPOINT"] === "true";
  const useDualStack = place.useDualstackEndpoint ?? env["AWS_USE_DUALSTACK_ENDPOINT"] === "true";
  const address = endpoint || configured || endpointOf({ service, region, useFips, useDualStack });
  return { service, region, url: new URL(address) };
}

export function reasonOf(statusAndCode: string): UnavailableReason {
  if (/^429|throttl|LimitExceeded/i.test(statusAndCode)) return "throttled";
  if (/^5|InternalService/.test(statusAndCode)) return "server";
  if (/ResourceNotFound/.test(statusAndCode)) return "notFound";
  return /^40[13]|AccessDenied/.test(statusAndCode) ? "denied" : "refused";
}
