// The packager names each published version by a hash of its code and settings, known only once it has compiled
// them. Until then templates say { Ref: "<Function>LambdaVersion" }.
module.exports = class Versions {
  constructor(serverless) {
    this.serverless = serverless;
    this.hooks = { "after:aws:package:finalize:mergeCustomProviderResources": () => this.resolve() };
  }

  resolve() {
    const { service } = this.serverless;
    const { naming } = this.serverless.getProvider("aws");
    const versions = new Map(
      service
        .getAllFunctions()
        .map((name) => [
          `${naming.getNormalizedFunctionName(name)}LambdaVersion`,
          service.getFunction(name).versionLogicalId,
        ]),
    );
    const { Resources } = service.provider.compiledCloudFormationTemplate;
    for (const { Type, Properties } of Object.values(Resources)) {
      if (Type !== "AWS::StepFunctions::StateMachine") continue;
      for (const value of Object.values(Properties.DefinitionSubstitutions)) {
        value.Ref = versions.get(value.Ref) ?? value.Ref;
      }
    }
  }
};
