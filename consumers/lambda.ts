import {
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  type GetFunctionConfigurationCommandOutput,
  type LambdaClient,
} from "@aws-sdk/client-lambda";
import { InputInvalid } from "../core/errors.ts";
import type { Looking, Platform, Seen } from "./ports.ts";
import { wiringOf } from "./wiring.ts";

/** By the ARN of the function. */
export type LambdaClients = (arn: string) => Pick<LambdaClient, "send">;

/**
 * A change of a function's code or configuration gives it new environments. Lambda does not list instances,
 * so a function that was changed counts as one; requests that still run end within `maxStale`.
 */
export function lambdaPlatform(clients: LambdaClients): Platform {
  return {
    kind: "lambda",
    marks: async (workload) => [markOf(await serving(workload, clients))],
    look: async (looking) => lookAt(await serving(looking.workload, clients), looking),
    async wiring({ workload, ...question }) {
      const { configuration } = await serving(workload, clients);
      const variables = Object.entries(configuration.Environment?.Variables ?? {});
      return wiringOf(
        variables.map(([name, text]) => ({ name: `the variable ${name}`, text })),
        question,
      );
    },
  };
}

export interface FunctionName {
  readonly name: string;
  /** Without version or alias. By a name alone Lambda takes the function of the account that asks. */
  readonly arn: string;
  /** A published version or an alias; absent for `$LATEST`. */
  readonly qualifier?: string;
}

const functionForm =
  /^(arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:([\w-]{1,64}))(?::([\w$-]{1,128}))?$/;

export function functionOf(qualified: string): FunctionName {
  const [, arn, name, qualifier] = functionForm.exec(qualified) ?? [];
  if (arn === undefined || name === undefined)
    throw new InputInvalid("this is not the ARN of a Lambda function");
  return { name, arn, ...(qualifier !== undefined && qualifier !== "$LATEST" && { qualifier }) };
}

interface Serving {
  readonly configuration: GetFunctionConfigurationCommandOutput;
  readonly qualifier: string | undefined;
  /** Other versions to which the alias still sends a share of the requests. */
  readonly besides: readonly string[];
}

async function serving(workload: string, clients: LambdaClients): Promise<Serving> {
  const { arn, qualifier } = functionOf(workload);
  const client = clients(arn);
  const configuration = await client.send(
    new GetFunctionConfigurationCommand({ FunctionName: arn, ...(qualifier && { Qualifier: qualifier }) }),
  );
  const isAlias = qualifier !== undefined && !isVersion(qualifier);
  const routing = isAlias
    ? (await client.send(new GetAliasCommand({ FunctionName: arn, Name: qualifier }))).RoutingConfig
    : undefined;
  return { configuration, qualifier, besides: Object.keys(routing?.AdditionalVersionWeights ?? {}) };
}

export function isVersion(qualifier: string): boolean {
  return /^\d+$/.test(qualifier);
}

/**
 * A published version never changes, so its number is the mark. `$LATEST` is marked by the time of its last
 * change.
 */
function markOf({ configuration }: Serving): string {
  const { Version = "", LastModified = "" } = configuration;
  return isVersion(Version) ? `version ${Version}` : `modified ${LastModified}`;
}

function lookAt(served: Serving, { note }: Looking): Seen {
  const { configuration, qualifier, besides } = served;
  const mark = markOf(served);
  if (note.before.includes(mark)) {
    const detail =
      qualifier === undefined
        ? "the function was not changed since the promotion"
        : `${qualifier} still serves ${mark}: publish a new version and move the alias to it`;
    return { progress: "untouched", instances: 1, detail };
  }
  if (besides.length > 0) {
    const detail = `${qualifier} still sends requests to version ${besides.join(", ")}`;
    return { progress: "replacing", instances: 1, detail };
  }
  if (isOlder(mark, note.before)) {
    return { progress: "failed", instances: 1, detail: `${qualifier} was moved back to ${mark}` };
  }
  return progressOf(configuration, mark);
}

/** Older versions do not count: their environments may have been kept warm since before the promotion. */
function isOlder(mark: string, before: readonly string[]): boolean {
  const [version, ...former] = [mark, ...before].map((each) => Number(/^version (\d+)$/.exec(each)?.[1]));
  return version !== undefined && former.some((one) => version < one);
}

function progressOf(configuration: GetFunctionConfigurationCommandOutput, mark: string): Seen {
  const { LastUpdateStatus, LastUpdateStatusReasonCode = "no reason" } = configuration;
  if (LastUpdateStatus === "Failed") {
    const detail = `its last update failed: ${LastUpdateStatusReasonCode}`;
    return { progress: "failed", instances: 1, detail };
  }
  const isDone = LastUpdateStatus === "Successful";
  return { progress: isDone ? "replaced" : "replacing", instances: 1, detail: mark };
}
