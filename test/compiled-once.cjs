const vm = require("node:vm");

/**
 * Jest loads everything that a test file imports anew, into a global object of the file's own. This keeps what V8 made of
 * a text for as long as the worker lives, so that the next file's load does not parse and compile it again.
 */
module.exports = () => {
  const { compileFunction, SourceTextModule } = vm;
  /** By file; a file whose text was transformed in another way counts as another. */
  const kept = new Map();
  const keptOf = (name, code) => (kept.get(name)?.code === code ? kept.get(name).cachedData : undefined);

  vm.compileFunction = (code, parameters, options = {}) => {
    const name = `${options.filename} ${parameters}`;
    const cachedData = keptOf(name, code);
    if (cachedData !== undefined) return compileFunction(code, parameters, { ...options, cachedData });
    const compiled = compileFunction(code, parameters, { ...options, produceCachedData: true });
    kept.set(name, { code, cachedData: compiled.cachedData });
    return compiled;
  };

  vm.SourceTextModule = new Proxy(SourceTextModule, {
    construct(Module, [code, options]) {
      // Of a test's own, which is of no file.
      if (options?.identifier === undefined) return new Module(code, options);
      const cachedData = keptOf(options.identifier, code);
      if (cachedData !== undefined) return new Module(code, { ...options, cachedData });
      const made = new Module(code, options);
      kept.set(options.identifier, { code, cachedData: made.createCachedData() });
      return made;
    },
  });
};
