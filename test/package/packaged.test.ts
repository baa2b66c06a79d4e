import { handlerNames, logicalName } from "../../serverless/handlers.ts";
import type { Code } from "../../serverless/lambda.ts";
import { machineId, machines } from "../../serverless/machines.ts";
import { renderTemplate, type Template } from "../../serverless/template.ts";
import { deployment, given } from "./deployment.ts";
import { ofType, packageTemplate, resource } from "./packaged.ts";

let packaged: Template;

beforeAll(() => {
  packaged = packageTemplate("production", given);
}, 120_000);

/** The zips are the packager's: where they will lie and what is in them is taken over from what it wrote. */
function codeIn({ Resources }: Template): Code {
  const versions = ofType(Resources, "AWS::Lambda::Version").map(([, { Properties }]) => Properties);
  return {
    location: (name) =>
      resource(Resources, `${logicalName(name)}LambdaFunction`).Properties["Code"] as Readonly<
        Record<string, unknown>
      >,
    sha256: (name) => {
      const Ref = `${logicalName(name)}LambdaFunction`;
      const own = versions.find(({ FunctionName }) => (FunctionName as { Ref: string }).Ref === Ref);
      return String(own?.["CodeSha256"]);
    },
  };
}

test("what is packaged is what is rendered, to the last null, and the bucket that the packager uploads to", () => {
  const { Resources, Outputs, ...others } = packaged;
  const rendered = renderTemplate({ ...deployment, ...given }, codeIn(packaged));
  const { ServerlessDeploymentBucket, ServerlessDeploymentBucketPolicy, ...ours } = Resources;
  const { ServerlessDeploymentBucketName, ...ourOutputs } = Outputs;
  expect([ServerlessDeploymentBucket, ServerlessDeploymentBucketPolicy]).not.toContain(undefined);
  expect(ServerlessDeploymentBucketName).toBeDefined();
  const asWritten = JSON.parse(JSON.stringify(rendered));
  expect({ ...others, Resources: ours, Outputs: ourOutputs }).toEqual(asWritten);
});

test.each(machines())(
  "the packaged $name machine is the one of statemachines/, state by state",
  ({ name, text }) => {
    const { DefinitionString, Definition } = resource(packaged.Resources, machineId(name)).Properties;
    expect(Definition).toBeUndefined();
    expect(JSON.parse(String(DefinitionString))).toEqual(JSON.parse(text));
    expect(String(DefinitionString)).toContain('"ResultPath":null');
  },
);

test("every function has a zip of its own, and its version says what is in it", () => {
  const code = codeIn(packaged);
  const keys = handlerNames().map((name) => String(code.location(name)["S3Key"]));
  expect(new Set(keys).size).toBe(handlerNames().length);
  for (const name of handlerNames()) {
    expect(keys.some((key) => key.endsWith(`/${name}.zip`))).toBe(true);
    expect(code.sha256(name)).toMatch(/^[\w+/]{43}=$/);
  }
});
