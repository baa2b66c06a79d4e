declare module "asl-validator" {
  interface Verdict {
    readonly isValid: boolean;
    errorsText(separator?: string): string;
  }
  /** Writes a QueryLanguage into every state it is given: hand it a copy. */
  function validate(definition: unknown, options?: { checkPaths?: boolean; checkArn?: boolean }): Verdict;
  export = validate;
}
