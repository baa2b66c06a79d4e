import { type DestinationKind, environmentNameMistake } from "../destination.ts";
import { lambdaEnvironmentSettings } from "./settings.ts";

/** The environment variables of a Lambda function. */
export const lambdaEnvironment: DestinationKind = {
  kind: "lambda-environment",
  title: "AWS Lambda environment variables",
  capabilities: { activation: "restart", proof: "read-back", compareAndSwap: "native", marks: "value" },
  settings: lambdaEnvironmentSettings,
  nameMistake: (name) =>
    /^(?:AWS_|LAMBDA_|_HANDLER$)/.test(name) ? "this name is Lambda's own" : environmentNameMistake(name),
  hosts: () => [],
  docs: {
    about:
      "One variable of a function. A change of the configuration gives it new execution environments; published versions keep the variables that they had, so where callers use an alias Rekey publishes a version and moves the alias to it.",
    binding:
      "The function has to carry the tag `Environment` with the deployment's stage. Without it IAM refuses the write too.",
    limits: [
      "Everybody who may read the function's configuration can read the variable: a secret store is the better place.",
      "All variables together have 4 KB; the others are read and sent again as they are.",
      "Where `$LATEST` has other code than the alias, or the alias is in a gradual deployment, the copy is refused before a key is made: a new version would release that code, or cut the deployment short.",
      "Requests that still run with the former value end within the function's timeout: `maxStale` has to cover it.",
      "Lambda has no right for the variables alone: whoever may write them may change the function's whole configuration.",
    ],
    needs:
      "`lambda:GetFunctionConfiguration`, `lambda:ListTags`, `lambda:UpdateFunctionConfiguration`, and for an alias `lambda:PublishVersion`, `lambda:GetAlias` and `lambda:UpdateAlias`",
    example: {
      kind: "lambda-environment",
      function: "arn:aws:lambda:eu-central-1:111122223333:function:shop",
      alias: "live",
    },
  },
  adapter: () => import("./adapter.ts"),
};
