import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { awsBounds } from "./bounds.ts";

const sessionSeconds = 900;
/** Renewed so long before the end that no call is made with credentials about to expire. */
const renewBeforeMs = 60_000;

export interface RoleUse {
  readonly region?: string;
  /** What CloudTrail shows of who assumed it. */
  readonly sessionName: string;
  refused(says: string): Error;
}

/** Credentials of a role, as a client takes them: it asks again once `expiration` is near. */
export function assumedRole(roleArn: string, { region, sessionName, refused }: RoleUse) {
  return async () => {
    const sts = new STSClient({ ...awsBounds, ...(region !== undefined && { region }) });
    const command = new AssumeRoleCommand({
      ...{ RoleArn: roleArn, RoleSessionName: sessionName, DurationSeconds: sessionSeconds },
    });
    const { Credentials } = await sts.send(command);
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    if (AccessKeyId === undefined || SecretAccessKey === undefined)
      throw refused(`${roleArn} gave no credentials`);
    return {
      ...{ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey },
      ...(SessionToken !== undefined && { sessionToken: SessionToken }),
      ...(Expiration !== undefined && { expiration: new Date(Expiration.getTime() - renewBeforeMs) }),
    };
  };
}
