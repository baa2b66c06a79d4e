import type { BusEvent } from "../event.ts";
import { isObject } from "../input.ts";
import type { Rule, Target } from "./rules.ts";

/** The JSON text that a rule's target gets for an event. Throws a SyntaxError when a template makes no JSON. */
export function targetInput(target: Target, event: BusEvent, rule: Rule): string {
  if (target.Input !== undefined) return target.Input;
  if (target.InputPath !== undefined) return JSON.stringify(atPath(event, target.InputPath) ?? null);
  if (!target.InputTransformer) return JSON.stringify(event);

  const { InputPathsMap = {}, InputTemplate } = target.InputTransformer;
  const values = new Map<string, unknown>([
    ["aws.events.rule-arn", rule.arn],
    ["aws.events.rule-name", rule.name],
    ["aws.events.event.ingestion-time", event.time],
    ["aws.events.event", { ...event, detail: undefined }],
    ["aws.events.event.json", event],
    ...Object.entries(InputPathsMap).map(([name, path]): [string, unknown] => [name, atPath(event, path)]),
  ]);
  const text = fill(InputTemplate, values);
  JSON.parse(text);
  return text;
}

/** `$.detail.items[0].name`: the dot notation that EventBridge takes, without filters. */
function atPath(event: unknown, path: string): unknown {
  const steps = path.replace(/^\$\.?/, "").match(/[^.[\]]+/g) ?? [];
  return steps.reduce<unknown>((value, step) => {
    if (Array.isArray(value)) return value[Number(step)];
    return isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }, event);
}

/** Inside quotes a placeholder becomes text, elsewhere a JSON value. */
function fill(template: string, values: ReadonlyMap<string, unknown>): string {
  let quoted = false;
  return template.replace(/\\.|"|<([\w.-]+)>/gs, (found, name: string | undefined) => {
    if (found === '"') quoted = !quoted;
    if (name === undefined || !values.has(name)) return found;
    const value = values.get(name) ?? null;
    if (!quoted) return JSON.stringify(value);
    const text = typeof value === "string" ? value : JSON.stringify(value ?? "");
    return JSON.stringify(text).slice(1, -1);
  });
}
