import type * as z from "zod";
import { PolicyInvalid } from "../core/errors.ts";
import type { KeyProvider } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import type { Http } from "./http.ts";

/** One kind of issuer: what its block of a policy looks like, and how to talk to it. */
export interface ProviderKind {
  readonly kind: string;
  /** Strict: an unknown setting is a mistake in the policy. */
  readonly settings: z.ZodType;
  /** The hosts its calls go to, as `boundedHttp` takes them. */
  hosts(settings: unknown): readonly string[];
  /** Makes no call. Throws PolicyInvalid when the settings are not of this kind. */
  create(options: {
    readonly settings: unknown;
    readonly admin: AdminCredential;
    readonly http: Http;
  }): KeyProvider;
  /** The shape of its keys anywhere in a text; linear in the text, without flags. */
  readonly detect: RegExp;
}

/** What authorises the calls that make and delete keys. */
export interface AdminCredential {
  get(): Promise<Secret>;
  /** The provider refused the value: drop what is cached, it may have been rotated. */
  refused(): void;
}

/** The parsed settings; a refusal names the fields, never their values. */
export function parseSettings<Settings extends z.ZodType>(
  schema: Settings,
  settings: unknown,
): z.output<Settings> {
  const parsed = schema.safeParse(settings);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join(".") || "(itself)");
  throw new PolicyInvalid(`the provider's settings are not valid: ${[...new Set(fields)].join(", ")}`);
}
