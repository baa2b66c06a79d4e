const vm = require("node:vm");
const { TestEnvironment } = require("jest-environment-node");
const compileOnce = require("./compiled-once.cjs");

let isCompiledOnce = false;

/**
 * Jest's environment for Node, on a global object of its own that V8 reads directly. Jest itself has every look at a
 * global (`Date`, `JSON`, `Promise`) go through a proxy, which makes our stories several times slower.
 */
module.exports = class extends TestEnvironment {
  constructor(config, context) {
    // Code that was made before coverage is counted does not count its branches.
    if (!isCompiledOnce && !config.globalConfig.collectCoverage) compileOnce();
    isCompiledOnce = true;
    const { createContext } = vm;
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(config, context);
    } finally {
      vm.createContext = createContext;
    }
    // Jest asks for a hundred frames of each error, and the engine makes an error of every path that it reads.
    this.global.Error.stackTraceLimit = 20;
  }
};
