import * as z from "zod";
import type { AwsCredentials } from "../aws/signed-identity.ts";
import { PolicyInvalid } from "../core/errors.ts";
import type { ProviderFacts } from "../core/policy.ts";
import type { KeyProvider, SecretArn } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import type { Http } from "./http.ts";
import type { KeyText, UnmarkedKey } from "./key-text.ts";
import type { VerifyTable } from "./verify-table.ts";

/**
 * What is known about somebody who issues keys, as data: enough to recognise its keys and to tell a person how to
 * end one. An issuer that Rekey can also rotate keys of is a ProviderKind.
 */
export interface Issuer {
  /** As policies, alerts and the ledger name it: lower case, words joined by "-". */
  readonly kind: string;
  /** As it writes its own name. */
  readonly title: string;
  /** What scanners call it or its keys, where that does not begin with `kind`. */
  readonly aliases?: readonly string[];
  /** How its keys look; empty where a key looks like any other text. */
  readonly keyTexts: readonly KeyText[];
  /** How its keys look where no prefix marks them, for `rekey scan`. */
  readonly unmarked?: readonly UnmarkedKey[];
  /** People may have chosen its keys: a fingerprint is kept only of a key that is too random to be guessed. */
  readonly areChosen?: true;
  /** A key that is made without scopes may do everything: they can be narrowed in the policy. */
  readonly unscopedDoesAll?: true;
  readonly byHand: ByHand;
  /** Where it documents how a workload uses its own identity instead of a key. */
  readonly keyless?: string;
}

/** What a person does where Rekey cannot, from the issuer's own documentation. */
export interface ByHand {
  /** Where keys are disabled and deleted. */
  readonly console?: string;
  /**
   * The same as one command, in parts that are joined by spaces. `{keyId}` stands for the key; `$PROJECT` becomes the
   * setting `project` where the policy has one, and stays for the person to fill in where it has not.
   */
  readonly command?: readonly string[];
  /** Where the credential is made that Rekey itself works with. */
  readonly adminConsole?: string;
}

/** An issuer whose keys Rekey rotates. All of it is data and pure functions; only the adapter makes calls. */
export interface ProviderKind extends Issuer {
  /** Strict: an unknown setting is a mistake in the policy. */
  readonly settings: z.ZodType<ProviderSettings>;
  /** What it can do with these settings, and how fast. Throws PolicyInvalid when they are not of this kind. */
  facts(settings: unknown): ProviderFacts;
  /** The hosts that calls with these settings go to, as `boundedHttp` takes them. Throws PolicyInvalid. */
  hosts(settings: unknown): readonly string[];
  /** The issuer's own hosts: keys and admin credentials go to others only if the deployment allows it. */
  readonly defaultHosts: readonly string[] | ((settings: unknown) => readonly string[]);
  /** The Lambda function versions that keys are handed to. Only the deployment can allow one. Throws PolicyInvalid. */
  functions?(settings: unknown): readonly string[];
  /** What the answer to `verify` means. */
  readonly verifyTable: VerifyTable;
  /**
   * A made-up key for the control of a proof of death, where `keyTexts` does not say how one looks. Obviously fake.
   * With these settings, for a provider that is declared in the policy file.
   */
  readonly neverIssued?: string | ((settings: unknown) => string | undefined);
  /** Makes up the text of a new key; only for the shape `clientSecret`. */
  readonly newSecret?: () => Secret;
  /**
   * Whether a secret with such a key may be the credential that Rekey itself works with, and is rotated like any other
   * (`consumers: rekey`): `rotated`, or why not, as one sentence. Without it, a person replaces the credential.
   */
  readonly ownCredential?: "rotated" | { readonly whyNot: string };
  /** How a policy names it for consumers that get short-lived credentials of it in place of a key (docs/federated.md). */
  readonly federatedAs?: string;
  readonly docs: ProviderDocs;
  /** Loads the code that makes the calls: a file of its own in each function's package. */
  adapter(): Promise<ProviderAdapter>;
}

/** What docs/providers.md says beside the capabilities, in full sentences. */
export interface ProviderDocs {
  /** Whose keys these are and how a rotation goes. */
  readonly about: string;
  /** What a user has to know before trusting it; each is one sentence. */
  readonly limits: readonly string[];
  /** A policy's block, but for `adminCredential`; the page states what the provider can do with these settings. */
  readonly example?: Readonly<Record<string, unknown>>;
}

/** The settings that every kind has. */
export interface ProviderSettings {
  /** The secret with the credential that makes and deletes keys; absent where Rekey's own role does that. */
  readonly adminCredential?: SecretArn | undefined;
}

/** A full ARN: a name or a partial ARN could later mean another secret. */
export const secretArnSetting = z
  .string()
  .regex(
    /^arn:aws[a-z-]{0,16}:secretsmanager:[a-z0-9-]{1,32}:\d{12}:secret:[\w/+=.@-]{1,512}-[A-Za-z0-9]{6}$/,
  );

/** For the examples of the page of all providers. */
export const exampleCredential = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:admin-key-AbCdEf";

/** The calls of a KeyProvider; what it can do is in the statement. */
export type ProviderCalls = Omit<
  KeyProvider,
  "capabilities" | "propagation" | "callsPerRotation" | "newSecret" | "neverIssued"
>;

export interface ConnectOptions {
  readonly settings: unknown;
  readonly admin: AdminCredential;
  readonly http: Http;
  /** Rekey's own role, for issuers inside AWS. */
  readonly awsCredentials?: () => Promise<AwsCredentials>;
  /** The function versions that the deployment allows, by ARN. */
  readonly functions?: Readonly<Record<string, unknown>>;
  /** For issuers that answer with an operation which ends later; without it, real time passes. */
  readonly pause?: (ms: number) => Promise<void>;
}

/** What `providers/<name>/adapter.ts` exports. */
export interface ProviderAdapter {
  /** Makes no call. Throws PolicyInvalid when the settings are not of this kind. */
  connect(options: ConnectOptions): ProviderCalls;
}

/** What authorises the calls that make and delete keys. */
export interface AdminCredential {
  get(): Promise<Secret>;
  /** The provider refused the value: drop what is cached, because it may have been replaced. */
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
