import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  type GetSecretValueCommandInput,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import type { Clients, Scratch } from "./case.ts";

/** One secret of its own for a case, spoken to in the words of the rules. */
export interface Vault {
  readonly arn: string;
  readonly name: string;
  /** Puts a value and answers the version's id. */
  put(value: string, options?: { stages?: string[]; token?: string }): Promise<string>;
  read(which?: Omit<GetSecretValueCommandInput, "SecretId">): Promise<string | undefined>;
  move(stage: string, how: { from?: string; to?: string }): Promise<unknown>;
  /** Labels by version, each list sorted. */
  labels(): Promise<Record<string, string[]>>;
  versionIds(options?: { deprecated?: boolean }): Promise<string[]>;
}

export async function newVault(
  clients: Clients,
  scratch: Scratch,
  { value }: { value?: string } = {},
): Promise<Vault> {
  const client = clients.secretsManager;
  const name = scratch.unique("secret");
  const created = await client.send(
    new CreateSecretCommand({ Name: name, ...(value === undefined ? {} : { SecretString: value }) }),
  );
  const arn = created.ARN ?? "";
  const SecretId = arn;
  scratch.cleanUp(() => client.send(new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true })));
  return {
    arn,
    name,
    async put(SecretString, { stages, token } = {}) {
      const command = new PutSecretValueCommand({
        SecretId,
        SecretString,
        ...(stages ? { VersionStages: stages } : {}),
        ...(token ? { ClientRequestToken: token } : {}),
      });
      return (await client.send(command)).VersionId ?? "";
    },
    async read(which = {}) {
      return (await client.send(new GetSecretValueCommand({ SecretId, ...which }))).SecretString;
    },
    move: (VersionStage, { from, to }) =>
      client.send(
        new UpdateSecretVersionStageCommand({
          SecretId,
          VersionStage,
          ...(from ? { RemoveFromVersionId: from } : {}),
          ...(to ? { MoveToVersionId: to } : {}),
        }),
      ),
    async labels() {
      const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId }));
      return Object.fromEntries(
        Object.entries(VersionIdsToStages).map(([id, stages]) => [id, stages.toSorted()]),
      );
    },
    async versionIds({ deprecated = false } = {}) {
      const command = new ListSecretVersionIdsCommand({ SecretId, IncludeDeprecated: deprecated });
      return ((await client.send(command)).Versions ?? []).map(({ VersionId }) => VersionId ?? "").toSorted();
    },
  };
}

export const fake = (text: string): string => `FAKE-${text}`;
