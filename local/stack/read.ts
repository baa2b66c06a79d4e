import type { FunctionUrl } from "../aws/lambda/function-url.ts";
import type { GivenMachine } from "../aws/step-functions/machines.ts";
import { ofType, type Stack, type StackResource } from "./resolve.ts";

type Properties = StackResource["properties"];

export function machineOf({ ref, properties }: StackResource): GivenMachine {
  return {
    arn: ref,
    roleArn: text(properties, "RoleArn"),
    definition: JSON.parse(text(properties, "DefinitionString")),
    substitutions: properties["DefinitionSubstitutions"] as Readonly<Record<string, string>>,
  };
}

/** By function name. */
export function functionUrlsIn(stack: Stack): Readonly<Record<string, FunctionUrl>> {
  return Object.fromEntries(
    ofType(stack, "AWS::Lambda::Url").map(({ ref, properties }) => [
      ref.split(":").at(-1) ?? "",
      { auth: text(properties, "AuthType") === "NONE" ? "NONE" : "AWS_IAM" },
    ]),
  );
}

export function text(properties: Properties, name: string): string {
  const value = properties[name];
  if (typeof value === "string") return value;
  throw new Error(`the template gives no ${name} where the local cloud needs one`);
}
