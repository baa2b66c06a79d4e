import * as z from "zod";
import { AwsError } from "../service.ts";
import type { SecretValue } from "./versions.ts";

const valueBytesMax = 65_536;

export const SecretId = z.string().min(1).max(2048);
export const VersionId = z.string().min(32).max(64);
export const Stage = z.string().min(1).max(256);
export const Tags = z
  .array(z.object({ Key: z.string().min(1).max(128), Value: z.string().max(256) }))
  .max(50);
export const Filters = z
  .array(
    z.object({
      Key: z.enum(["description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all"]),
      Values: z.array(z.string().max(512)).min(1).max(10),
    }),
  )
  .max(10);

export const ValueFields = {
  SecretString: z.string().optional(),
  SecretBinary: z.string().optional(),
};

interface ValueInput {
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: string | undefined;
}

/** Reads an operation's input; the refusal names the field and never quotes what was in it. */
export function read<T>(schema: z.ZodType<T>, input: Record<string, unknown>): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;

  const issue = parsed.error.issues[0];
  const field = issue?.path.length ? issue.path.join(".") : "the request";
  throw new AwsError(
    "ValidationException",
    `1 validation error detected: Value at '${field}' failed to satisfy constraint: ` +
      (issue?.code ?? "invalid"),
  );
}

/** The value an operation carries, or nothing; an empty one counts as none. */
export function valueIn({ SecretString, SecretBinary }: ValueInput): SecretValue | undefined {
  if (SecretString && SecretBinary) {
    throw new AwsError(
      "InvalidParameterException",
      "You can't specify both a binary secret value and a string secret value in the same secret.",
    );
  }
  const text = SecretString || SecretBinary;
  if (!text) return undefined;

  const kind = SecretString ? "string" : "binary";
  if (Buffer.byteLength(text, kind === "string" ? "utf8" : "base64") > valueBytesMax) {
    const field = kind === "string" ? "secretString" : "secretBinary";
    throw new AwsError(
      "ValidationException",
      `1 validation error detected: Value at '${field}' failed to satisfy constraint: ` +
        `Member must have length less than or equal to ${valueBytesMax}`,
    );
  }
  return { kind, reveal: () => text };
}

/** The token becomes a VersionId, so AWS refuses to invent one; only SDKs and the CLI fill it in. */
export function tokenIn(token: string | undefined, { code = "InvalidRequestException" } = {}): string {
  if (token === undefined) {
    throw new AwsError(code, "You must provide a ClientRequestToken value. We recommend a UUID-type value.");
  }
  if (token.length < 32 || token.length > 64) {
    throw new AwsError("InvalidParameterException", "ClientRequestToken must be 32-64 characters long.");
  }
  return token;
}
