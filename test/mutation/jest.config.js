import everything from "../../jest.config.js";

/** A mutant of core/ is the core tests' to find; the machines' and the simulator's take too long to ask every time. */
export default { ...everything, rootDir: "../..", testMatch: ["<rootDir>/test/core/**/*.test.ts"] };
