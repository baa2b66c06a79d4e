import type { DestinationKind } from "../destination.ts";
import { parameterStoreSettings } from "./settings.ts";

/** SSM Parameter Store. */
export const parameterStore: DestinationKind = {
  kind: "parameter-store",
  title: "AWS Systems Manager Parameter Store",
  capabilities: { activation: "live", proof: "version", compareAndSwap: "none", marks: "value" },
  settings: parameterStoreSettings,
  nameMistake: (name) =>
    /^[\w.-]{1,128}$/.test(name) ? undefined : "a parameter's name has up to 128 letters, digits, _, . and -",
  hosts: () => [],
  docs: {
    about:
      "A SecureString under one path. Whoever reads it without a label has the copy at the next read, so it counts once every cache has expired (`maxStale`).",
    binding:
      "The path has to hold a parameter called `REKEY_ENVIRONMENT` with the deployment's stage, which is read before each write.",
    limits: [
      "A program that gets the parameter when it starts (an ECS task, a container) has it only after a restart: give its consumer that evidence too.",
      "A change is noticed by the parameter's version; its value is read only to see whose it is.",
      "A parameter that is no SecureString is refused: Parameter Store changes no type, so delete it first.",
      "Say `key` where the parameters have a customer managed key: without it a write goes back to the account's own.",
    ],
    needs:
      "`ssm:GetParameter` and `ssm:PutParameter` under that path, and with a `key` `kms:Decrypt`, `kms:Encrypt` and `kms:GenerateDataKey` on it",
    example: {
      kind: "parameter-store",
      parameters: "arn:aws:ssm:eu-central-1:111122223333:parameter/shop/production/",
    },
  },
  adapter: () => import("./adapter.ts"),
};
