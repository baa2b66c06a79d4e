import * as z from "zod";
import { endSecret } from "../../issue/end-secret.ts";
import { adminCommand, refused } from "../command.ts";
import { reasonText, secretText } from "../inputs.ts";
import { whichSecret } from "../which-secret.ts";

/** The secret's keys are revoked for good, and nothing takes their place. */
export const retire = adminCommand({
  input: z.strictObject({ command: z.literal("retire"), secret: secretText, reason: reasonText }),
  run: async ({ input, caller }, deps) => {
    const found = await whichSecret(input.secret, deps);
    if ("refusal" in found) return found.refusal;
    const { policy } = found;
    const { principal: by, atMs, requestId: id } = caller;
    const ended = await endSecret({ policy, by, reason: input.reason, atMs, id }, deps);
    if ("reason" in ended) return refused(ended);
    const keys = ended.ending.ending?.keys.map(({ keyId }) => keyId) ?? [];
    return { outcome: "retired", name: policy.name, secretArn: policy.secretArn, keys };
  },
});
