export default {
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/test/strip-types.cjs" },
  testEnvironment: "node",
  maxWorkers: 2,
  testTimeout: 30_000,
  coverageProvider: "v8",
};
