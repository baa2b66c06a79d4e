// The packager makes the zips, and knows where it will upload them. The template itself is ours: this plugin puts what
// serverless/template.ts renders in the place of what the packager compiled, so that nothing is described twice.
const template = import("./template.ts");
const deployments = import("./deployment.ts");

module.exports = class Rendered {
  constructor(serverless, _options, { log } = {}) {
    this.serverless = serverless;
    this.log = log;
    this.hooks = {
      "before:package:createDeploymentArtifacts": () => this.bundle(),
      "after:aws:package:finalize:stripNullPropsFromTemplateResources": () => this.render(),
    };
  }

  /** A deployment never ships what an earlier build left in dist/. */
  async bundle() {
    const { bundleFunctions } = await import("../build.ts");
    await bundleFunctions();
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
    const deployment = await (await deployments).readDeployment(this.resolver());
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
  }

  /** The values that serverless.yml has settled by now. */
  resolver() {
    const { custom = {}, provider } = this.serverless.service;
    const values = { "sls:stage": provider.stage, "self:provider.region": provider.region };
    return {
      resolveVariable: async (address) =>
        values[address] ?? custom.parameters?.[address.replace("param:", "")],
    };
  }
};
