export default {
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  // `npm run test:slow` runs these, and so does .ci/run.
  testPathIgnorePatterns: ["/node_modules/", "\\.slow\\.test\\.ts$"],
  // StrykerJS's copy of the repository lies there while it runs.
  modulePathIgnorePatterns: ["<rootDir>/coverage/"],
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/test/strip-types.cjs" },
  // What only the engine of the state machines imports, and no story calls, takes as long to load as a story.
  moduleNameMapper: {
    "^(?:@aws-sdk/)?(asl-validator|credential-providers)$": "<rootDir>/test/loaded-late/$1.cjs",
  },
  testEnvironment: "<rootDir>/test/environment.cjs",
  maxWorkers: 2,
  // Most take milliseconds; a machine that others use too may take a while for the longest stories.
  testTimeout: 90_000,
  coverageProvider: "v8",
};
