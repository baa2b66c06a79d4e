import type { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { ListSecretsCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { InputInvalid } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import { type Looked, lookUpReads } from "../../functions/adapters/scope/trail.ts";

/** The caller's own AWS account, read with the caller's own permissions: there may be no deployment yet. */
export interface Account {
  secrets(prefix: string | undefined): Promise<readonly FoundSecret[]>;
  /** Who read which secret, as far back as the event history or the time for it reaches. */
  reads(asked: { readonly days: number; readonly withinMs: number }): Promise<Looked>;
}

/** What a listing says of one secret; no value is ever read. */
export interface FoundSecret {
  readonly arn: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly description: string;
  /** The AWS service that made it, and rotates it. */
  readonly owner?: string;
  readonly rotationFunction?: string;
}

const pagesMax = 100;
const dayMs = 86_400_000;

export function accountOf(clients: {
  readonly secretsManager: Pick<SecretsManagerClient, "send">;
  readonly cloudTrail: Pick<CloudTrailClient, "send">;
  readonly clock: Clock;
}): Account {
  const { secretsManager, cloudTrail, clock } = clients;
  return {
    async secrets(prefix) {
      const found: FoundSecret[] = [];
      let token: string | undefined;
      for (let page = 0; page < pagesMax; page += 1) {
        const command = new ListSecretsCommand({
          MaxResults: 100,
          NextToken: token,
          SortOrder: "asc",
          ...(prefix !== undefined && { Filters: [{ Key: "name", Values: [prefix] }] }),
        });
        const { SecretList = [], NextToken } = await secretsManager.send(command);
        found.push(...SecretList.flatMap(foundIn));
        token = NextToken;
        if (token === undefined) return found;
      }
      throw new InputInvalid(`more than ${pagesMax * 100} secrets: narrow it with --prefix`);
    },
    reads({ days, withinMs }) {
      const untilMs = clock.nowMs();
      const lookup = { eventName: "GetSecretValue", sinceMs: untilMs - days * dayMs, untilMs } as const;
      return lookUpReads(cloudTrail, { ...lookup, stopAtMs: untilMs + withinMs }, clock);
    },
  };
}

interface Listed {
  readonly ARN?: string | undefined;
  readonly Name?: string | undefined;
  readonly Description?: string | undefined;
  readonly OwningService?: string | undefined;
  readonly RotationEnabled?: boolean | undefined;
  readonly RotationLambdaARN?: string | undefined;
  readonly Tags?:
    | readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[]
    | undefined;
}

function foundIn(listed: Listed): readonly FoundSecret[] {
  const { ARN: arn, Name: name, Description: description = "", OwningService: owner, Tags = [] } = listed;
  if (arn === undefined || name === undefined) return [];
  const tags = Tags.flatMap(({ Key, Value }) => (Key === undefined ? [] : [[Key, Value ?? ""]]));
  const rotates = listed.RotationEnabled === true ? listed.RotationLambdaARN : undefined;
  return [
    {
      ...{ arn, name, description, tags: Object.fromEntries(tags) },
      ...(owner !== undefined && { owner }),
      ...(rotates !== undefined && { rotationFunction: rotates }),
    },
  ];
}
