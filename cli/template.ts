import { type Cli, CliFailure, exitCodes } from "./command.ts";

export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}
export type Resources = Readonly<Record<string, Resource>>;

const option = "--template";

/** The deployment's CloudFormation template: the file that is named, or what its stack was made of. */
export async function readTemplate(cli: Cli, file: string | undefined): Promise<Resources> {
  const text = file === undefined ? await deployed(cli) : await cli.terminal.readFile(file).catch(unreadable);
  return resourcesIn(text, file ?? "the stack's template");

  function unreadable(): never {
    throw new CliFailure(`the file ${file} cannot be read`, { exitCode: exitCodes.usage });
  }
}

async function deployed(cli: Cli): Promise<string> {
  const { template } = await cli.reach();
  if (template !== undefined) return template();
  throw new CliFailure("the deployment's template is not at hand", {
    hint: `name it: ${option} rekey.template.json, as the release has it or \`npx osls package\` wrote it`,
    exitCode: exitCodes.usage,
  });
}

function resourcesIn(text: string, what: string): Resources {
  try {
    const { Resources } = JSON.parse(text) as { readonly Resources?: Resources };
    if (typeof Resources === "object" && Resources !== null) return Resources;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new CliFailure(`${what} is no CloudFormation template in JSON`, { exitCode: exitCodes.usage });
}

/** A value of a template as text. What a deployment decides is `*`, and another resource its name in braces. */
export function asText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return "*";
  const [[name, given] = ["", undefined]] = Object.entries(value);
  if (name === "Ref") return pseudo(String(given));
  if (name === "Fn::GetAtt") return `{${String([given].flat()[0]).split(".")[0]}}`;
  if (name === "Fn::Sub") {
    const text = String([given].flat()[0]);
    return text.replace(/\$\{([^!}]+)\}/g, (_all, inner: string) => pseudo(inner.split(".")[0] ?? ""));
  }
  if (name === "Fn::Join" && Array.isArray(given))
    return ([given[1]].flat() as unknown[]).map(asText).join(String(given[0]));
  return "*";
}

function pseudo(name: string): string {
  return name.startsWith("AWS::") ? "*" : `{${name}}`;
}
