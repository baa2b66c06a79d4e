// The packager loads variables' files with require and knows nothing of TypeScript.
const template = import("./template.ts");

for (const name of ["functions", "resources", "environment"]) {
  module.exports[name] = async (resolver) => (await template)[name](resolver);
}
