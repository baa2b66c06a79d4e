import type { Resources } from "../../serverless/statements.ts";
import type { Template } from "../../serverless/template.ts";
import { isObject } from "../aws/input.ts";
import { AwsError } from "../aws/service.ts";

interface Parameter {
  readonly Type: string;
  readonly Default?: string;
  readonly AllowedPattern?: string;
  readonly AllowedValues?: readonly string[];
  readonly ConstraintDescription?: string;
}

export interface GivenTemplate extends Pick<Template, "Resources" | "Outputs"> {
  readonly Parameters: Readonly<Record<string, Parameter>>;
}

const sections = [
  "AWSTemplateFormatVersion",
  "Description",
  "Metadata",
  "Parameters",
  "Resources",
  "Outputs",
];
const attributes = ["Type", "Properties", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata"];
const policies = ["Delete", "Retain", "RetainExceptOnCreate"];

/** Throws a ValidationError that names the first thing that the local cloud would not do. */
export function parseTemplate(text: string): GivenTemplate {
  const given = parsed(text);
  const strange = Object.keys(given).find((name) => !sections.includes(name));
  if (strange !== undefined) throw invalid(`the local cloud does not know the section ${strange}`);
  const { Parameters = {}, Resources, Outputs = {} } = given;
  if (!isObject(Resources) || Object.keys(Resources).length === 0)
    throw invalid("At least one Resources member must be defined.");
  for (const [id, resource] of Object.entries(Resources)) assertResource(id, resource);
  for (const [name, { Type }] of Object.entries(Parameters as GivenTemplate["Parameters"])) {
    if (Type !== "String")
      throw invalid(`the local cloud does not know parameters of type ${Type} (${name})`);
  }
  const filled = Object.entries(Resources as Resources).map(([id, resource]) => [
    id,
    { ...resource, Properties: resource.Properties ?? {} },
  ]);
  return { Parameters, Outputs, Resources: Object.fromEntries(filled) } as GivenTemplate;
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const given: unknown = JSON.parse(text);
    if (isObject(given)) return given;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw invalid("the local cloud reads templates in JSON only");
}

function assertResource(id: string, resource: unknown): void {
  if (!isObject(resource) || typeof resource["Type"] !== "string")
    throw invalid(`every Resources member must contain a Type (${id})`);
  const strange = Object.keys(resource).find((name) => !attributes.includes(name));
  if (strange !== undefined) throw invalid(`the local cloud does not know the attribute ${strange} of ${id}`);
  const { DeletionPolicy = "Delete", UpdateReplacePolicy = "Delete" } = resource;
  const isKnown = policies.includes(String(DeletionPolicy));
  // AWS takes RetainExceptOnCreate for the one and not for the other.
  if (!isKnown || !policies.slice(0, 2).includes(String(UpdateReplacePolicy)))
    throw invalid(`${id} has a policy that is not known: ${DeletionPolicy}, ${UpdateReplacePolicy}`);
}

/** What the caller gave, and the defaults of the rest. Throws for a name or a value that the template does not take. */
export function valuesFor(
  { Parameters }: GivenTemplate,
  given: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const unknown = [...given.keys()].filter((name) => !Object.hasOwn(Parameters, name));
  if (unknown.length > 0) throw invalid(`Parameters: [${unknown.join(", ")}] do not exist in the template`);
  const entries = Object.entries(Parameters).map(([name, parameter]) => {
    const value = given.get(name) ?? parameter.Default;
    if (value === undefined) throw invalid(`Parameters: [${name}] must have values`);
    assertAllowed(name, value, parameter);
    return [name, value] as const;
  });
  return Object.fromEntries(entries);
}

function assertAllowed(name: string, value: string, parameter: Parameter): void {
  const { AllowedPattern, AllowedValues, ConstraintDescription } = parameter;
  const matches = AllowedPattern === undefined || new RegExp(`^(?:${AllowedPattern})$`).test(value);
  if (matches && (AllowedValues?.includes(value) ?? true)) return;
  const why = ConstraintDescription ?? `Parameter ${name} failed to satisfy its constraint`;
  throw invalid(`Parameter '${name}' must be ${why}`);
}

export function invalid(message: string): AwsError {
  return new AwsError("ValidationError", message);
}
