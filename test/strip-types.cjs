const { stripTypeScriptTypes } = require("node:module");
const { createHash } = require("node:crypto");

/** Node's own type stripping keeps every position, so stack traces and v8 coverage need no source map. */
module.exports = {
  process: (source) => ({ code: stripTypeScriptTypes(source, { mode: "strip" }) }),
  getCacheKey: (source, path) =>
    createHash("sha256").update(`${process.version}\0${path}\0${source}`).digest("hex"),
};
