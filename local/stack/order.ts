import type { Resources } from "../../serverless/statements.ts";

/**
 * Logical ids with each resource after those that it refers to, as CloudFormation makes them. Throws for a circle,
 * which no order can make.
 */
export function creationOrder(resources: Resources): readonly string[] {
  const done = new Set<string>();
  const open: string[] = [];
  const visit = (id: string) => {
    if (done.has(id)) return;
    if (open.includes(id)) {
      const circle = open.slice(open.indexOf(id)).sort();
      throw new Error(`Circular dependency between resources: [${circle.join(", ")}]`);
    }
    open.push(id);
    const { Properties, DependsOn = [] } = resources[id] ?? {};
    for (const other of [...referencesIn(Properties), ...[DependsOn].flat()]) {
      if (Object.hasOwn(resources, other)) visit(other);
    }
    open.pop();
    done.add(id);
  };
  for (const id of Object.keys(resources)) visit(id);
  return [...done];
}

/** The names that a part of a template refers to: of resources, parameters and pseudo parameters. */
export function referencesIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === "Ref") return [String(inner)];
    if (key === "Fn::GetAtt") return [String(Array.isArray(inner) ? inner[0] : inner).split(".")[0] ?? ""];
    if (key === "Fn::Sub" && typeof inner === "string") return namesInSub(inner);
    return referencesIn(inner);
  });
}

function namesInSub(text: string): readonly string[] {
  return [...text.matchAll(/\$\{([\w:]+)[\w.]*\}/g)].map(([, name = ""]) => name);
}
