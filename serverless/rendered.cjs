const { join, resolve } = require("node:path");
const { pathToFileURL } = require("node:url");

// The packager makes the zips, and knows where it will upload them. The template itself is ours: this plugin puts what
// serverless/template.ts renders in the place of what the packager compiled, so that nothing is described twice.
const template = import("./template.ts");
const deployments = import("./deployment.ts");
const configured = import("./configured.ts");
const release = import("./release.ts");

module.exports = class Rendered {
  constructor(serverless) {
    this.serverless = serverless;
    this.hooks = {
      "before:package:createDeploymentArtifacts": () => this.bundle(),
      "after:aws:package:finalize:stripNullPropsFromTemplateResources": () => this.render(),
      "before:deploy:deploy": () => this.compare(),
    };
  }

  /**
   * A deployment never ships what an earlier build left in dist/. A zip holds only what its function can load: otherwise
   * any change of a shared file would make a new version of every function.
   */
  async bundle() {
    const { bundleFunctions } = await import("../build.ts");
    for (const { name, reach } of await bundleFunctions()) {
      this.serverless.service.getFunction(name).package.patterns.push(...reach.map((path) => `dist/${path}`));
    }
  }

  async render() {
    const { service } = this.serverless;
    const { naming } = this.serverless.getProvider("aws");
    const compiled = service.provider.compiledCloudFormationTemplate;
    const versions = new Map(
      Object.values(compiled.Resources)
        .filter(({ Type }) => Type === "AWS::Lambda::Version")
        .map(({ Properties }) => [Properties.FunctionName.Ref, Properties.CodeSha256]),
    );
    const code = {
      location: (name) => compiled.Resources[naming.getLambdaLogicalId(name)].Properties.Code,
      sha256: (name) => versions.get(naming.getLambdaLogicalId(name)),
    };
    const deployment = await this.deployment();
    const rendered = (await template).renderTemplate(deployment, code);
    const bucket = Object.fromEntries(
      Object.entries(compiled.Resources).filter(([id]) => id.startsWith("ServerlessDeploymentBucket")),
    );
    service.provider.compiledCloudFormationTemplate = {
      ...rendered,
      Resources: { ...bucket, ...rendered.Resources },
      Outputs: {
        ServerlessDeploymentBucketName: compiled.Outputs.ServerlessDeploymentBucketName,
        ...rendered.Outputs,
      },
    };
    await this.release(deployment);
  }

  /** The same deployment for those who deploy without this packager: release/ beside the packager's own files. */
  async release(deployment) {
    const { service, serviceDir } = this.serverless;
    const zips = service
      .getAllFunctions()
      .map((name) => [name, resolve(serviceDir, service.getFunction(name).package.artifact)]);
    const folder = join(serviceDir, ".serverless", "release");
    (await release).writeRelease(folder, { deployment, zips: new Map(zips) });
  }

  /** What the stack was told to serve is not lost by a line that somebody forgot. */
  async compare() {
    const aws = this.serverless.getProvider("aws");
    const StackName = aws.naming.getStackName();
    const { Stacks } = await aws.request("CloudFormation", "describeStacks", { StackName }).catch((error) => {
      if (/does not exist/.test(error.message)) return { Stacks: [] };
      throw error;
    });
    const { OutputValue } = Stacks[0]?.Outputs?.find(({ OutputKey }) => OutputKey === "Configured") ?? {};
    const { drop = "" } = this.params();
    (await configured).assertNothingDropped(OutputValue, { deployment: await this.deployment(), drop });
  }

  async deployment() {
    const { stage, region } = this.serverless.service.provider;
    const { readDeployment, settingsOf } = await deployments;
    const { settings = "stages" } = this.params();
    const folder = pathToFileURL(`${resolve(this.serverless.serviceDir, settings)}/`);
    return readDeployment({ stage, region, settings: settingsOf(stage, folder) });
  }

  /** `--param settings=<folder>` reads other files than those in stages/; `--param drop=a,b` names what may go. */
  params() {
    const given = [this.serverless.processedInput.options.param ?? []].flat();
    return Object.fromEntries(
      given.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
    );
  }
};
