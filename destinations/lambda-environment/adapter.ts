import {
  GetAliasCommand,
  type GetAliasCommandOutput,
  GetFunctionConfigurationCommand,
  type GetFunctionConfigurationCommandOutput,
  ListTagsCommand,
  PublishVersionCommand,
  UpdateAliasCommand,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import type { CopySeen, CopyText, CopyUse, WrittenCopy } from "../../core/copies/destination.ts";
import { ProviderUnavailable } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { wrongPlace } from "../api.ts";
import { awsCall, placeRefusal, unless } from "../aws-calls.ts";
import { type AwsReach, type ConnectOptions, type DestinationCalls, parseSettings } from "../destination.ts";
import { lambdaEnvironmentSettings } from "./settings.ts";

type Configuration = GetFunctionConfigurationCommandOutput;

export function connect({ settings, environment, aws }: ConnectOptions): DestinationCalls {
  const { function: arn, alias, role } = parseSettings(lambdaEnvironmentSettings, settings);
  const calls = callsOf(arn, aws, () => aws.lambda({ region: arn.split(":")[3] ?? "", role }));
  return {
    whyNotHere: () =>
      placeRefusal(async () => {
        const tagged = (await calls.tags())?.["Environment"];
        if (tagged === environment) return undefined;
        return wrongPlace(`the tag Environment of ${arn} is ${tagged ?? "missing"}, not ${environment}`);
      }),
    look: (name) => look({ name, alias }, calls),
    read: async (name) => fingerprintIn(await calls.configuration(), name),
    write: (copy) => write(copy, calls),
    activate: async (copy) => (alias === undefined ? undefined : publish({ ...copy, alias }, calls)),
    use: (copy) => useOf({ ...copy, alias }, calls),
  };
}

const changedMeanwhile = ["PreconditionFailedException", "ResourceConflictException"];

/** The calls on one function. */
function callsOf(arn: string, { pause }: AwsReach, client: () => ReturnType<AwsReach["lambda"]>) {
  const FunctionName = arn;
  /** Undefined: somebody changed it since it was read, or an update of it is under way. */
  const unchanged = <Answer>(what: string, call: () => Promise<Answer>) =>
    awsCall(`${what} ${arn}`, () => unless(changedMeanwhile, call));
  return {
    pause,
    tags: async () =>
      (await awsCall(`ListTags ${arn}`, () => client().send(new ListTagsCommand({ Resource: arn })))).Tags,
    configuration: (Qualifier?: string): Promise<Configuration> => {
      const command = new GetFunctionConfigurationCommand({ FunctionName, ...(Qualifier && { Qualifier }) });
      return awsCall(`GetFunctionConfiguration ${arn}`, () => client().send(command));
    },
    alias: (Name: string) =>
      awsCall(`GetAlias ${Name}`, () => client().send(new GetAliasCommand({ FunctionName, Name }))),
    update: (Variables: Record<string, string>, { RevisionId }: Configuration) =>
      unchanged("UpdateFunctionConfiguration", () =>
        client().send(
          new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables }, RevisionId }),
        ),
      ),
    publish: ({ RevisionId }: Configuration) =>
      unchanged("PublishVersion", () =>
        client().send(new PublishVersionCommand({ FunctionName, RevisionId })),
      ),
    moveAlias: ({ Name, RevisionId }: GetAliasCommandOutput, FunctionVersion: string | undefined) =>
      unchanged("UpdateAlias", () =>
        client().send(new UpdateAliasCommand({ FunctionName, Name, FunctionVersion, RevisionId })),
      ),
  };
}

type Calls = ReturnType<typeof callsOf>;

async function look(
  { name, alias }: { readonly name: string; readonly alias: string | undefined },
  calls: Calls,
): Promise<CopySeen> {
  const latest = await calls.configuration();
  const mark = fingerprintIn(latest, name);
  const { RevisionId: guard } = latest;
  const conflict = alias === undefined ? undefined : await conflictAt(alias, latest, calls);
  return {
    ...(guard !== undefined && { guard }),
    ...(mark !== undefined && { mark }),
    ...(conflict !== undefined && { conflict }),
  };
}

/** A version is made of everything that `$LATEST` has now: code that its people hold back must not go with the key. */
async function conflictAt(alias: string, latest: Configuration, calls: Calls): Promise<string | undefined> {
  const { FunctionVersion = "", RoutingConfig } = await calls.alias(alias);
  if (besidesOf(RoutingConfig).length > 0)
    return `${alias} is in a gradual deployment, which a new version would cut short`;
  const { CodeSha256 } = await calls.configuration(FunctionVersion);
  if (CodeSha256 === latest.CodeSha256) return undefined;
  return `$LATEST has other code than ${alias} (version ${FunctionVersion}), which a new version would release`;
}

function besidesOf(routing: GetAliasCommandOutput["RoutingConfig"]): readonly string[] {
  return Object.keys(routing?.AdditionalVersionWeights ?? {});
}

async function write({ name, text, seen }: CopyText, calls: Calls): Promise<string> {
  const now = await calls.configuration();
  const wanted = fingerprintOf(text);
  if (fingerprintIn(now, name) === wanted) return wanted;
  const isAsSeen = now.RevisionId === seen.guard;
  const variables = { ...now.Environment?.Variables, [name]: text.reveal() };
  if (!isAsSeen || (await calls.update(variables, now)) === undefined)
    throw new ProviderUnavailable("the function changed meanwhile");
  return wanted;
}

const updateWaits = { attemptsMax: 10, everyMs: 1_000 };

async function updated(calls: Calls): Promise<Configuration> {
  for (let attempt = 1; attempt <= updateWaits.attemptsMax; attempt++) {
    const latest = await calls.configuration();
    if (latest.LastUpdateStatus !== "InProgress") return latest;
    await calls.pause(updateWaits.everyMs);
  }
  throw new ProviderUnavailable("the function is still being updated");
}

/** A published version keeps the variables that it was made with, so the alias gets a new one. */
async function publish(
  { mark, name, alias }: WrittenCopy & { readonly alias: string },
  calls: Calls,
): Promise<string | undefined> {
  const aliased = await calls.alias(alias);
  const { FunctionVersion } = aliased;
  if (fingerprintIn(await calls.configuration(FunctionVersion), name) === mark) return FunctionVersion;
  const latest = await updated(calls);
  const conflict = await conflictAt(alias, latest, calls);
  const isAsWritten = fingerprintIn(latest, name) === mark;
  const made = isAsWritten && conflict === undefined ? await calls.publish(latest) : undefined;
  const moved = made && (await calls.moveAlias(aliased, made.Version));
  if (moved === undefined) throw new ProviderUnavailable(conflict ?? "the function changed meanwhile");
  return made?.Version;
}

async function useOf(
  copy: WrittenCopy & { readonly alias: string | undefined; readonly nowMs: number },
  calls: Calls,
): Promise<CopyUse> {
  const { alias, name, mark, started } = copy;
  const latest = await calls.configuration();
  if (latest.LastUpdateStatus === "InProgress")
    return { state: "activating", detail: "the function is being updated" };
  if (latest.LastUpdateStatus === "Failed")
    return {
      state: "failed",
      detail: `its update failed: ${latest.LastUpdateStatusReasonCode ?? "unknown"}`,
    };
  if (alias === undefined) return { state: "active", detail: "its environments are new since the update" };
  const { FunctionVersion, RoutingConfig } = await calls.alias(alias);
  const besides = besidesOf(RoutingConfig);
  if (besides.length > 0)
    return { state: "activating", detail: `${alias} still sends requests to version ${besides.join(", ")}` };
  if (fingerprintIn(await calls.configuration(FunctionVersion), name) === mark)
    return { state: "active", detail: `${alias} is version ${FunctionVersion}, which was published with it` };
  const state = started === undefined ? "idle" : "failed";
  return { state, detail: `${alias} is version ${FunctionVersion}, which has another value` };
}

function fingerprintIn({ Environment }: Configuration, name: string): string | undefined {
  const value = Environment?.Variables?.[name];
  return value === undefined ? undefined : fingerprintOf(new Secret(value.trim()));
}
