export default {
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  // `npm run test:slow` runs these, and so does .ci/run.
  testPathIgnorePatterns: ["/node_modules/", "\\.slow\\.test\\.ts$"],
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/test/strip-types.cjs" },
  testEnvironment: "node",
  maxWorkers: 2,
  testTimeout: 30_000,
  coverageProvider: "v8",
};
