import everything from "../../jest.config.js";

/** A mutant of core/ is the core tests' to find; the machines' and the simulator's take too long to ask every time. */
export default {
  ...everything,
  rootDir: "../..",
  // Jest lists every file below its roots before each mutant.
  roots: ["<rootDir>/core", "<rootDir>/test/core"],
  testMatch: ["<rootDir>/test/core/**/*.test.ts"],
};
