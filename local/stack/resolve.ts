import { domainOf } from "../../aws/partition.ts";
import type { Resources } from "../../serverless/statements.ts";
import type { Template } from "../../serverless/template.ts";
import { type Place, physicalOf } from "./physical.ts";

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

/**
 * Resolves every reference of the rendered resources for one account and Region. A resource type or an intrinsic
 * function that the local cloud does not know is an error that names it: nothing is left out in silence.
 */
export function resolveStack(resources: Resources, place: Place): Stack {
  const known = new Map<string, Pick<StackResource, "ref" | "attributes">>();
  const names: Names = {
    pseudo: pseudoParameters(place),
    identified(id) {
      const found = known.get(id);
      if (found !== undefined) return found;
      const resource = resources[id];
      if (resource === undefined) throw new Error(`the template refers to ${id}, which it does not hold`);
      const identity = physicalOf(id, { resource, place, resolve: (value) => resolveValue(value, names) });
      known.set(id, identity);
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
  { Outputs }: Template,
  { stack, place }: { readonly stack: Stack; readonly place: Place },
): Readonly<Record<string, string>> {
  const names: Names = {
    pseudo: pseudoParameters(place),
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

function pseudoParameters(place: Place): Names["pseudo"] {
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
  readonly pseudo: Readonly<Record<string, string>>;
  identified(id: string): Pick<StackResource, "ref" | "attributes">;
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

function referred(name: string, { pseudo, identified }: Names): string {
  return pseudo[name] ?? identified(name).ref;
}

function attributeOf(id: string, attribute: string, { identified }: Names): string {
  const found = identified(id).attributes[attribute];
  if (found === undefined)
    throw new Error(`the local cloud does not know the attribute ${attribute} of ${id}`);
  return found;
}
