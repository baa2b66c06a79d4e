// The packager loads variables' files with require and knows nothing of TypeScript.
const template = import("./template.ts");

module.exports.functions = async (resolver) => (await template).functions(resolver);
