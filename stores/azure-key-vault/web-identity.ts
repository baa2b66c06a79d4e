import { GetWebIdentityTokenCommand, STSClient } from "@aws-sdk/client-sts";
import { assumedRole } from "../../aws/assumed-role.ts";
import { awsBounds } from "../../aws/bounds.ts";
import { failureIn } from "../../aws/failure.ts";
import { StoreUnavailable } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";

export interface IdentityQuestion {
  readonly audience: string;
  /** The role to be stated in place of this process's own. */
  readonly role?: string | undefined;
}

/** Long enough for one login; whoever got hold of it could log in as this role for as long. */
const secondsMax = 300;

/**
 * STS's signed statement of which role this process has. The account must have switched on outbound web identity
 * federation (`aws iam enable-outbound-web-identity-federation`).
 */
export async function webIdentityToken({ audience, role }: IdentityQuestion): Promise<Secret> {
  const refused = (says: string) => new StoreUnavailable(says);
  const credentials = role === undefined ? {} : { credentials: assumedRole(role, { sessionName, refused }) };
  const sts = new STSClient({ ...awsBounds, ...credentials });
  const command = new GetWebIdentityTokenCommand({
    ...{ Audience: [audience], SigningAlgorithm: "RS256", DurationSeconds: secondsMax },
  });
  const { WebIdentityToken: text } = await sts.send(command).catch((error: unknown) => {
    throw refused(`STS gave this role no token for ${audience} (${failureIn(error).name})`);
  });
  if (text === undefined) throw refused(`STS gave this role no token for ${audience}`);
  return new Secret(text);
}

const sessionName = "rekey-login";
