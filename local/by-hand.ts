import { randomBytes } from "node:crypto";
import type { Deployment } from "../serverless/deployment.ts";
import type { SecretsManager } from "./aws/secrets-manager.ts";

/** Secrets that people make before they deploy, by name, and what the deployment is told of them. */
export interface ByHand {
  readonly secrets: Readonly<Record<string, string>>;
  deployment(arns: Readonly<Record<string, string>>): Partial<Deployment>;
}

/** What the senders of alerts sign with, and tokens, are made before a deployment, which is told their ARNs. */
export function people(
  secrets: SecretsManager,
  { account, environment }: { readonly account: string; readonly environment: string },
) {
  async function hand(Name: string, SecretString: string): Promise<string> {
    const caller = {
      accessKeyId: "",
      account,
      arn: `arn:aws:sts::${account}:assumed-role/administrator/local`,
    };
    const given = { Name, SecretString, Tags: [{ Key: "Environment", Value: environment }] };
    const token = { ClientRequestToken: randomBytes(16).toString("hex") };
    const made = (await secrets.call("CreateSecret", { ...given, ...token }, caller)) as {
      readonly ARN: string;
    };
    return made.ARN;
  }
  return {
    hand,
    async deployers(byHand?: ByHand): Promise<Partial<Deployment>> {
      const arns: Record<string, string> = {};
      for (const [name, value] of Object.entries(byHand?.secrets ?? {})) arns[name] = await hand(name, value);
      return byHand?.deployment(arns) ?? {};
    },
  };
}
