import { domainOf } from "../../aws/partition.ts";
import type { Resources } from "../../serverless/statements.ts";
import type { Template } from "../../serverless/template.ts";
import { type Physical, type Place, physicalOf } from "./physical.ts";

export type { Place } from "./physical.ts";

/** One resource of a stack with its intrinsic functions resolved, as CloudFormation hands it to its service. */
export interface StackResource {
  readonly id: string;
  readonly type: string;
  /** What `Ref` gives. */
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, unknown>>;
}

export type Stack = ReadonlyMap<string, StackResource>;

interface Given {
  readonly parameters?: Readonly<Record<string, string>>;
  /** The stack as it is, whose published versions keep their numbers. */
  readonly before?: Stack;
  nextVersion?(functionName: string): string;
}

/**
 * Resolves every reference of the rendered resources for one account and Region. A resource type or an intrinsic
 * function that the local cloud does not know is an error that names it: nothing is left out in silence.
 */
export function resolveStack(
  resources: Resources,
  place: Place,
  { parameters = {}, before = new Map(), nextVersion = () => "1" }: Given = {},
): Stack {
  const known = new Map<string, Physical>();
  const names: Names = {
    values: { ...parameters, ...pseudoParameters(place) },
    identified(id) {
      const found = known.get(id);
      if (found !== undefined) return found;
      const resource = resources[id];
      if (resource === undefined) throw new Error(`the template refers to ${id}, which it does not hold`);
      const kept = resource.Type === "AWS::Lambda::Version" ? before.get(id) : undefined;
      const resolve = (value: unknown) => resolveValue(value, names);
      const identity = kept ?? physicalOf(id, { resource, place, resolve, nextVersion });
      known.set(id, { ref: identity.ref, attributes: identity.attributes });
      return identity;
    },
  };
  return new Map(
    Object.entries(resources).map(([id, { Type, Properties }]) => [
      id,
      {
        id,
        type: Type,
        ...names.identified(id),
        properties: resolveValue(Properties, names) as StackResource["properties"],
      },
    ]),
  );
}

/** The stack's outputs, by name. */
export function resolveOutputs(
  { Outputs }: Pick<Template, "Outputs">,
  {
    stack,
    place,
    parameters = {},
  }: { readonly stack: Stack; readonly place: Place; readonly parameters?: Given["parameters"] },
): Readonly<Record<string, string>> {
  const names: Names = {
    values: { ...parameters, ...pseudoParameters(place) },
    identified(id) {
      const found = stack.get(id);
      if (found === undefined) throw new Error(`an output refers to ${id}, which the template does not hold`);
      return found;
    },
  };
  return Object.fromEntries(
    Object.entries(Outputs).map(([name, { Value }]) => [name, String(resolveValue(Value, names))]),
  );
}

function pseudoParameters(place: Place): Names["values"] {
  return {
    "AWS::AccountId": place.account,
    "AWS::Region": place.region,
    "AWS::Partition": place.partition,
    "AWS::StackName": place.stackName,
    "AWS::URLSuffix": domainOf(place.region),
  };
}

/** All resources of one type. */
export function ofType(stack: Stack, type: string): readonly StackResource[] {
  return [...stack.values()].filter((resource) => resource.type === type);
}

interface Names {
  /** Parameters, those of CloudFormation among them. */
  readonly values: Readonly<Record<string, string>>;
  identified(id: string): Physical;
}

function resolveValue(value: unknown, names: Names): unknown {
  if (Array.isArray(value)) return value.map((each) => resolveValue(each, names));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [[name, given] = ["", undefined]] = entries;
  if (entries.length === 1 && (name === "Ref" || name.startsWith("Fn::")))
    return intrinsic(name, given, names);
  return Object.fromEntries(entries.map(([key, inner]) => [key, resolveValue(inner, names)]));
}

function intrinsic(name: string, given: unknown, names: Names): unknown {
  if (name === "Ref") return referred(String(given), names);
  if (name === "Fn::GetAtt") {
    const [id = "", attribute = ""] = Array.isArray(given) ? given.map(String) : [];
    return attributeOf(id, attribute, names);
  }
  if (name === "Fn::Sub" && typeof given === "string") {
    return given.replaceAll(/\$\{(!?)([\w:.]+)\}/g, (_, literal: string, path: string) => {
      if (literal === "!") return `\${${path}}`;
      const split = path.indexOf(".");
      if (path.startsWith("AWS::") || split < 0) return referred(path, names);
      return attributeOf(path.slice(0, split), path.slice(split + 1), names);
    });
  }
  if (name === "Fn::Join" && Array.isArray(given)) {
    const [separator, parts] = given as [string, readonly unknown[]];
    return parts.map((part) => String(resolveValue(part, names))).join(separator);
  }
  throw new Error(`the local cloud does not know the intrinsic function ${name} in this form`);
}

function referred(name: string, { values, identified }: Names): string {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  return value ?? identified(name).ref;
}

function attributeOf(id: string, attribute: string, { identified }: Names): string {
  const found = identified(id).attributes[attribute];
  if (found === undefined)
    throw new Error(`the local cloud does not know the attribute ${attribute} of ${id}`);
  return found;
}
