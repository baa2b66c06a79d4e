export default {
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/test/strip-types.cjs" },
  testEnvironment: "node",
  maxWorkers: 2,
  coverageProvider: "v8",
};
