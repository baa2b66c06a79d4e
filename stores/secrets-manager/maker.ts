import {
  CreateSecretCommand,
  DescribeSecretCommand,
  type DescribeSecretCommandOutput,
  PutSecretValueCommand,
} from "@aws-sdk/client-secrets-manager";
import { SecretUnusable } from "../../core/errors.ts";
import type { SecretMaker } from "../../core/ports.ts";
import type { Client } from "./calls.ts";
import { isNamed, refusalOf } from "./refusals.ts";

/** Says which order made a secret: a repeat may go on with its own, and with no other. */
const issueTag = "RekeyIssue";

/** New secrets of this environment, tagged so that its functions and consumers may use them. */
export function secretMaker(client: Client, { environment }: { readonly environment: string }): SecretMaker {
  const find: SecretMaker["find"] = async (name) => {
    const found = await described(client, name);
    if (found?.ARN === undefined) return undefined;
    const issueId = found.Tags?.find(({ Key }) => Key === issueTag)?.Value;
    return { secretArn: found.ARN, ...(issueId !== undefined && { issueId }) };
  };
  return {
    find,
    async make({ name, issueId, versionId, text }) {
      const tags = { Environment: environment, Rekey: "rotated", [issueTag]: issueId };
      const value = { ClientRequestToken: versionId, SecretString: text.reveal() };
      try {
        const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
        const { ARN } = await client.send(new CreateSecretCommand({ Name: name, ...value, Tags }));
        if (ARN !== undefined) return ARN;
      } catch (error) {
        if (!isNamed(error, "ResourceExistsException"))
          throw refusalOf(error, { secretArn: name, operation: "CreateSecret" });
      }
      const found = await find(name);
      if (found?.issueId !== issueId) throw new SecretUnusable(`a secret called ${name} is there already`);
      try {
        await client.send(new PutSecretValueCommand({ SecretId: found.secretArn, ...value }));
      } catch (error) {
        throw refusalOf(error, { secretArn: name, operation: "PutSecretValue" });
      }
      return found.secretArn;
    },
  };
}

async function described(client: Client, name: string): Promise<DescribeSecretCommandOutput | undefined> {
  try {
    const found = await client.send(new DescribeSecretCommand({ SecretId: name }));
    if (found.DeletedDate) throw new SecretUnusable(`a secret called ${name} is scheduled for deletion`);
    return found;
  } catch (error) {
    if (error instanceof SecretUnusable) throw error;
    if (isNamed(error, "ResourceNotFoundException")) return undefined;
    throw refusalOf(error, { secretArn: name, operation: "DescribeSecret" });
  }
}
