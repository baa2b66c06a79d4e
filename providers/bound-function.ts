import * as z from "zod";

/** A published version: what an alias or $LATEST means can change under the same name. */
export const functionVersion = z
  .string()
  .regex(
    /^arn:aws[a-z-]{0,16}:lambda:[a-z0-9-]{1,32}:\d{12}:function:[A-Za-z0-9_-]{1,64}:[1-9]\d{0,9}$/,
    "a function is the ARN of a published version: it ends in :<number>",
  );

/** What the deployment says about a function version: its code, and the key that keys are sealed to. */
export const boundFunction = z.strictObject({
  codeSha256: z.string().regex(/^[A-Za-z0-9+/]{43}=$/, "the code's SHA-256 as Lambda states it, in base64"),
  publicKey: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/, "the function's X25519 public key, 32 bytes in base64url"),
});
export type BoundFunction = z.output<typeof boundFunction>;
