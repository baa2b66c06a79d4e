import type { Resource, Resources } from "./statements.ts";

/** AWS's limits on what grows with a deployment's settings. Beyond one of them a deployment fails half-way. */
const limits = {
  environmentBytes: 4_096,
  inlinePolicyCharacters: 10_240,
  managedPolicyCharacters: 6_144,
  patternCharacters: 2_048,
  resources: 500,
  templateBytes: 1_000_000,
} as const;

/** Throws with everything that is too large, by the resource's name. */
export function assertWithinLimits(resources: Resources): void {
  const found = Object.entries(resources).flatMap(([id, resource]) => tooLargeIn(id, resource));
  const count = Object.keys(resources).length;
  const bytes = Buffer.byteLength(JSON.stringify(resources));
  const all = [
    ...found,
    ...(count > limits.resources ? [`${count} resources, of at most ${limits.resources}`] : []),
    ...(bytes > limits.templateBytes ? [`${bytes} bytes, of at most ${limits.templateBytes}`] : []),
  ];
  if (all.length === 0) return;
  throw new Error(
    `AWS would refuse this deployment: ${all.join("; ")}. Use patterns, or \`tagged\` in secrets and refreshAllowed`,
  );
}

function tooLargeIn(id: string, { Type, Properties }: Resource): readonly string[] {
  const measure = Object.hasOwn(measures, Type) ? measures[Type] : undefined;
  return (measure?.(Properties) ?? [])
    .filter(({ size, max }) => size > max)
    .map(({ what, size, max }) => `${what} of ${id} has about ${size} characters, of at most ${max}`);
}

interface Measured {
  readonly what: string;
  readonly size: number;
  readonly max: number;
}

type Measure = (properties: Resource["Properties"]) => readonly Measured[];

const measures: Readonly<Record<string, Measure>> = {
  "AWS::Lambda::Function": ({ Environment }) => {
    const { Variables = {} } = (Environment ?? {}) as {
      readonly Variables?: Readonly<Record<string, unknown>>;
    };
    const size = Object.entries(Variables).reduce(
      (sum, [name, value]) => sum + name.length + lengthOf(value, { quoted: false }),
      0,
    );
    return [{ what: "the environment", size, max: limits.environmentBytes }];
  },
  "AWS::IAM::Role": ({ Policies }) => {
    const documents = (Policies ?? []) as readonly { readonly PolicyDocument: unknown }[];
    const size = documents.reduce((sum, { PolicyDocument }) => sum + lengthOf(PolicyDocument), 0);
    return [{ what: "the inline policy", size, max: limits.inlinePolicyCharacters }];
  },
  "AWS::IAM::ManagedPolicy": ({ PolicyDocument }) => [
    { what: "the policy", size: lengthOf(PolicyDocument), max: limits.managedPolicyCharacters },
  ],
  "AWS::Events::Rule": ({ EventPattern }) => [
    {
      what: "the event pattern",
      size: EventPattern === undefined ? 0 : lengthOf(EventPattern),
      max: limits.patternCharacters,
    },
  ],
};

/** About the longest that an ARN or a name of CloudFormation's own making is. */
const resolvedLength = 110;
const pseudoLengths: Readonly<Record<string, number>> = {
  "AWS::Partition": 10,
  "AWS::Region": 14,
  "AWS::AccountId": 12,
  "AWS::StackName": 26,
  "AWS::URLSuffix": 16,
};

/** The length of a value as text once CloudFormation has put in what it refers to. */
export function lengthOf(value: unknown, { quoted = true } = {}): number {
  if (typeof value === "string" && !quoted) return value.length;
  const resolved = JSON.stringify(value, (_, inner) => {
    if (typeof inner !== "object" || inner === null) return inner;
    if (typeof inner["Fn::Sub"] === "string")
      return inner["Fn::Sub"].replaceAll(/\$\{([^}!]+)\}/g, (__, name: string) =>
        "x".repeat(pseudoLengths[name] ?? resolvedLength),
      );
    if ("Ref" in inner || "Fn::GetAtt" in inner)
      return "x".repeat(pseudoLengths[String(inner["Ref"])] ?? resolvedLength);
    return inner;
  });
  return resolved.length;
}
