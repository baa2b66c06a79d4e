/** The engine of the state machines imports these for a browser's calls to AWS, which nothing here makes. */
exports.fromCognitoIdentityPool = () => {
  throw new Error("no test calls AWS with a browser's credentials");
};
