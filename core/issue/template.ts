import { durationText } from "../duration.ts";
import { isRotated, type Policy } from "../policy.ts";
import type { ProviderCapabilities, SecretArn } from "../ports.ts";
import type { Refusal } from "../rotation/refusal.ts";

/** Who a new secret is for; it decides nothing, and is shown and recorded. */
export const recipients = ["application", "agent", "developer", "environment"] as const;
export type Recipient = (typeof recipients)[number];

/** What `rekey issue` may make secrets from: declared in a policy file, kept in the ledger by `rekey apply`. */
export interface IssueTemplate {
  readonly name: string;
  readonly for: Recipient;
  /** The new secret's name in the store, with `{name}` where the name of the order goes. */
  readonly secretName: string;
  /** A secret ends at the latest so long after it was issued; absent: only by an order. */
  readonly endsAfterMs?: number;
  /** So many secrets of this template may live at once. */
  readonly atMost: number;
  /** A second person has to approve each order. */
  readonly needsApproval: boolean;
  /** The policy of its secrets, still without a secret. */
  readonly policy: Policy;
}

/** What one order asks for. */
export interface IssueOrder {
  readonly name: string;
  readonly owner?: string;
  /** How long the secret is wanted for; never longer than the template lets it live. */
  readonly endsAfterMs?: number;
  readonly atMs: number;
}

/** The place of `{name}` in a template's texts. */
export const namePlace = "{name}";

export function secretNameFor({ secretName }: IssueTemplate, name: string): string {
  return secretName.replaceAll(namePlace, name);
}

/** The file that owns the policies of a file's templates: no file that people write can have this name. */
export function issuedFileOf(file: string): string {
  return `issued from ${file}`;
}

/** The policy of an issued secret. Derived again at each `rekey apply`, so that a template changes its secrets too. */
export function issuedPolicy(
  { policy, name: template }: IssueTemplate,
  given: Pick<Policy, "name" | "owner"> & {
    readonly secretArn: SecretArn;
    readonly endsAtMs?: number | undefined;
  },
): Policy {
  const { secretArn, name, endsAtMs } = given;
  const owner = given.owner ?? policy.owner;
  const consumers = JSON.parse(
    JSON.stringify(policy.consumers).replaceAll(namePlace, name),
  ) as Policy["consumers"];
  return {
    ...policy,
    ...{ secretArn, name, consumers, issued: { template, ...(endsAtMs !== undefined && { endsAtMs }) } },
    ...(owner !== undefined && { owner }),
  };
}

/** What templates of these names make of the issued secrets that are stored. */
export function reissued(stored: readonly Policy[], templates: readonly IssueTemplate[]): readonly Policy[] {
  return stored.flatMap((before) => {
    const template = templates.find(({ name }) => name === before.issued?.template);
    if (template === undefined || template.policy.file !== before.file) return [];
    return [issuedPolicy(template, { ...before, endsAtMs: before.issued?.endsAtMs })];
  });
}

/** When the secret ends: what was ordered, within what the template allows. */
export function endsAtMs(template: IssueTemplate, { endsAfterMs, atMs }: IssueOrder): number | undefined {
  const afterMs = endsAfterMs ?? template.endsAfterMs;
  return afterMs === undefined ? undefined : atMs + afterMs;
}

export type IssueReason =
  | "NameTaken"
  | "TooMany"
  | "EndsTooLate"
  | "CannotMint"
  | "OnlyWatched"
  | "NameInvalid";

const nameForm = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** Why this order makes no secret. Asked before a key is made. */
export function whyNotIssue(
  template: IssueTemplate,
  order: IssueOrder,
  known: {
    readonly capabilities: Pick<ProviderCapabilities, "shape">;
    readonly policies: readonly Policy[];
    /** Orders of this template that are at work. */
    readonly open: number;
  },
): Refusal<IssueReason> | undefined {
  const { name } = order;
  if (!nameForm.test(name) || name.startsWith("arn"))
    return {
      reason: "NameInvalid",
      detail: "a name starts with a letter or digit and has up to 64 letters, digits, _, . and -",
    };
  if (!isRotated(template.policy))
    return {
      reason: "OnlyWatched",
      detail: `the template ${template.name} is under mode: ${template.policy.mode}`,
    };
  const { kind } = known.capabilities.shape;
  if (kind !== "sideBySide" && kind !== "atMost")
    return { reason: "CannotMint", detail: `${template.policy.provider.account}: ${whyNoNewKey[kind]}` };
  const taken = known.policies.find((policy) => policy.name === name);
  if (taken !== undefined)
    return { reason: "NameTaken", detail: `another secret has this name: ${taken.secretArn}` };
  const alive = known.policies.filter(({ issued }) => issued?.template === template.name).length + known.open;
  if (alive >= template.atMost)
    return {
      reason: "TooMany",
      detail: `${alive} secrets of ${template.name} live, and it allows ${template.atMost}: end one with \`rekey retire\``,
    };
  const { endsAfterMs: longestMs } = template;
  if (longestMs !== undefined && order.endsAfterMs !== undefined && order.endsAfterMs > longestMs)
    return {
      reason: "EndsTooLate",
      detail: `a secret of ${template.name} lives for ${durationText(longestMs)} at most`,
    };
  return undefined;
}

type Unissued = Exclude<ProviderCapabilities["shape"]["kind"], "sideBySide" | "atMost">;

const whyNoNewKey: Readonly<Record<Unissued, string>> = {
  slots: "its two places are those of one account, so a new user would get a key that somebody else has",
  clientSecret: "its keys belong to users that Rekey does not make",
  rotateWithGrace: "it makes a new key only in the place of another one",
  assisted: "no call of it makes a key: make one by hand, store it, and declare the secret in a policy file",
  inPlace: "it makes a new key only in the place of another one",
  federated: "it has no keys: its consumers get short-lived credentials",
};
