import type { CloudTrailRecord } from "../cloudtrail-record.ts";
import type { Lambda } from "../lambda.ts";
import type { Invoke } from "./rotation.ts";

/** What Secrets Manager reaches once everything is there. */
export interface SecretsReach {
  code?: Pick<Lambda, "invoke">;
  rotationMay?: (functionArn: string, secretArn: string) => void;
  /** Hears what CloudTrail records. */
  told?: (record: CloudTrailRecord) => void;
}

/** A rotation function is invoked like any other, if its policy lets Secrets Manager in. */
export function rotationFunctions(reach: SecretsReach): Invoke {
  const admit = (functionArn: string, secretArn: string) => reach.rotationMay?.(functionArn, secretArn);
  const invoke = async (functionArn: string, payload: Record<string, unknown>) => {
    admit(functionArn, String(payload["SecretId"]));
    const answer = await reach.code?.invoke(functionArn, payload);
    if (answer?.functionError !== undefined) throw new Error(answer.payload);
    return answer;
  };
  return Object.assign(invoke, { admit });
}
