import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { Deployment } from "./deployment.ts";
import type { Resource, Resources } from "./statements.ts";

type WrittenResource = Resource & { readonly Condition?: string };

/**
 * The resources of one YAML file in this folder. `${sls:stage}` and `${param:x}` are the deployment's own values;
 * a resource whose `Condition` does not hold for this deployment is left out.
 */
export function yamlResources(file: string, deployment: Deployment): Resources {
  const text = readFileSync(new URL(file, import.meta.url), "utf8");
  const { Resources: written } = parse(withValues(text, deployment), {
    customTags: intrinsics,
    merge: true,
  }) as {
    readonly Resources: Readonly<Record<string, WrittenResource>>;
  };
  const holding = Object.entries(written).filter(
    ([, { Condition }]) => Condition === undefined || conditionHolds(Condition, deployment),
  );
  return Object.fromEntries(holding.map(([id, { Condition: _, ...resource }]) => [id, resource]));
}

function withValues(text: string, deployment: Deployment): string {
  return text
    .replaceAll(`\${sls:stage}`, deployment.environment)
    .replaceAll(/\$\{param:(\w+)\}/g, (_, name: string) => {
      const value = (deployment as unknown as Readonly<Record<string, unknown>>)[name];
      if (["string", "number", "boolean"].includes(typeof value)) return String(value);
      throw new Error(`no parameter of a deployment is called ${name}`);
    });
}

const conditions: Readonly<Record<string, (deployment: Deployment) => boolean>> = {
  LeaksCanBeReported: ({ intakeSecrets }) => Object.hasOwn(intakeSecrets, "report"),
};

function conditionHolds(name: string, deployment: Deployment): boolean {
  const holds = conditions[name];
  if (holds === undefined) throw new Error(`no condition of the template is called ${name}`);
  return holds(deployment);
}

const intrinsics = [
  { tag: "!Ref", resolve: (name: string) => ({ Ref: name }) },
  { tag: "!Sub", resolve: (text: string) => ({ "Fn::Sub": text }) },
  {
    tag: "!GetAtt",
    resolve: (path: string) => {
      const split = path.indexOf(".");
      return { "Fn::GetAtt": [path.slice(0, split), path.slice(split + 1)] };
    },
  },
];
