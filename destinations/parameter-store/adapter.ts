import { GetParameterCommand, type Parameter, PutParameterCommand } from "@aws-sdk/client-ssm";
import type { CopySeen, CopyText } from "../../core/copies/destination.ts";
import { CopyRefused } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { awsCall, placeRefusal, unless } from "../aws-calls.ts";
import { type ConnectOptions, type DestinationCalls, parseSettings } from "../destination.ts";
import { environmentMark, markRefusal } from "../environment-mark.ts";
import { parameterStoreSettings } from "./settings.ts";

export function connect({ settings, environment, aws }: ConnectOptions): DestinationCalls {
  const { parameters, key, role } = parseSettings(parameterStoreSettings, settings);
  const [, , , region = "", , resource = ""] = parameters.split(":");
  const path = resource.slice("parameter".length);
  const client = () => aws.parameters({ region, role });

  /** Undefined if there is none. */
  function parameter(name: string): Promise<Parameter | undefined> {
    const command = new GetParameterCommand({ Name: `${path}${name}`, WithDecryption: true });
    return awsCall(`GetParameter ${path}${name}`, async () => {
      const answered = await unless(["ParameterNotFound"], () => client().send(command));
      return answered?.Parameter;
    });
  }

  async function write({ name, text }: CopyText): Promise<string> {
    const { Value, Version: now } = (await parameter(name)) ?? {};
    if (now !== undefined && Value === text.reveal()) return String(now);
    const command = new PutParameterCommand({
      ...{ Name: `${path}${name}`, Value: text.reveal(), Type: "SecureString", Overwrite: true },
      ...(key !== undefined && { KeyId: key }),
    });
    const { Version } = await awsCall(`PutParameter ${path}${name}`, () => client().send(command));
    if (Version === undefined) throw new CopyRefused(`PutParameter ${path}${name} answered no version`);
    return String(Version);
  }

  return {
    whyNotHere: () =>
      placeRefusal(async () =>
        markRefusal((await parameter(environmentMark))?.Value, { place: path, environment }),
      ),
    look: async (name) => seenOf(await parameter(name)),
    async read(name) {
      const value = (await parameter(name))?.Value;
      return value === undefined ? undefined : fingerprintOf(new Secret(value.trim()));
    },
    write,
    activate: async () => undefined,
    use: async () => ({ state: "active", detail: "readers are given it at their next read" }),
  };
}

function seenOf(found: Parameter | undefined): CopySeen {
  if (found?.Version === undefined) return {};
  const mark = String(found.Version);
  // Parameter Store changes no type: a write would fail after the key was made.
  if (found.Type === "SecureString") return { mark };
  return {
    mark,
    conflict: `the parameter is a ${found.Type ?? "text"} and no SecureString: delete it first`,
  };
}
