import { createHash } from "node:crypto";
import { unzipSync } from "fflate";
import { handlerNames, logicalName } from "../../serverless/handlers.ts";
import { type Code, versionId } from "../../serverless/lambda.ts";
import { machineId, machines } from "../../serverless/machines.ts";
import { renderTemplate, type Template } from "../../serverless/template.ts";
import { deployment, given } from "./deployment.ts";
import { earlierBuild, ofType, type Packaged, packageTemplate, resource } from "./packaged.ts";

let packaged: Template;
let release: Packaged["release"];

beforeAll(() => {
  ({ template: packaged, release } = packageTemplate("production", given));
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

describe("the release, for those who deploy without the packager", () => {
  const digestOf = (name: string) => {
    const found = [...release.zips].find(([file]) => file.replace(/-[0-9a-f]{32}\.zip$/, "") === name);
    return createHash("sha256")
      .update(found?.[1] ?? "")
      .digest();
  };

  test("its template is what is rendered, to the last null, and asks only where the zips lie", () => {
    const code: Code = {
      location: (name) => ({
        S3Bucket: { Ref: "CodeBucket" },
        S3Key: { "Fn::Sub": `\${CodePrefix}${name}-${digestOf(name).toString("hex").slice(0, 32)}.zip` },
      }),
      sha256: (name) => digestOf(name).toString("base64"),
    };
    const { Parameters, Metadata, ...others } = release.template;
    expect(Metadata).toEqual({ Rekey: { Environment: "production" } });
    expect(Object.keys(Parameters)).toEqual(["CodeBucket", "CodePrefix"]);
    expect(others).toEqual(JSON.parse(JSON.stringify(renderTemplate({ ...deployment, ...given }, code))));
    expect(JSON.stringify(others)).not.toMatch(/ServerlessDeployment/);
    expect(JSON.stringify(others)).toContain('\\"ResultPath\\":null');
  });

  test("it is the packager's deployment, but for where the code lies", () => {
    const withoutCode = ({ Resources }: Template) =>
      Object.fromEntries(
        Object.entries(Resources)
          .filter(([id]) => !id.startsWith("ServerlessDeploymentBucket"))
          .map(([id, { Properties, ...rest }]) => [
            id,
            { ...rest, Properties: { ...Properties, Code: undefined } },
          ]),
      );
    expect(withoutCode(release.template)).toEqual(withoutCode(packaged));
  });

  test("every zip that the template names is there, once, with the function's bundle in it", () => {
    const keys = ofType(release.template.Resources, "AWS::Lambda::Function").map(([, { Properties }]) => {
      const { S3Key } = Properties["Code"] as { readonly S3Key: { readonly "Fn::Sub": string } };
      return S3Key["Fn::Sub"].replace(`\${CodePrefix}`, "");
    });
    expect(keys.sort()).toEqual([...release.zips.keys()].sort());
    for (const name of handlerNames()) {
      const zip = release.zips.get(`${name}-${digestOf(name).toString("hex").slice(0, 32)}.zip`);
      // A zip lists the names of its files in plain text.
      expect([name, zip?.includes(`dist/${name}.mjs`)]).toEqual([name, true]);
    }
  });

  test("the zips hold what was bundled now, and not what an earlier build left in dist/", () => {
    const stale = handlerNames().filter((name) => {
      const zip = release.zips.get(`${name}-${digestOf(name).toString("hex").slice(0, 32)}.zip`);
      const packed = zip && unzipSync(zip)[`dist/${name}.mjs`];
      return packed === undefined || Buffer.from(packed).includes(earlierBuild);
    });
    expect(stale).toEqual([]);
  });

  test("versions outlive an update, and other code makes another version", () => {
    const versions = ofType(release.template.Resources, "AWS::Lambda::Version");
    expect(versions).toHaveLength(handlerNames().length);
    for (const [, { DeletionPolicy, UpdateReplacePolicy }] of versions)
      expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(["RetainExceptOnCreate", "Retain"]);
    const idWith = (sha256: string) =>
      versionId("admin", deployment, { location: () => ({}), sha256: () => sha256 });
    expect(idWith("one-FAKE")).not.toBe(idWith("other-FAKE"));
  });
});
