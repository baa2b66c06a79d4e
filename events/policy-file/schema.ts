import * as z from "zod";
import { parseDuration } from "../../core/duration.ts";
import { recipients } from "../../core/issue/template.ts";
import { modes, reportingKinds } from "../../core/policy.ts";
import { failuresMax } from "../../core/provider-account.ts";
import { wordOr } from "./block.ts";
import { termsShape } from "./terms.ts";
import { whenJsonSchema, whenOf } from "./when.ts";

/**
 * The blocks of `rekey.yml`. Required fields are checked in `secret-policy.ts`, not here: then a block that
 * lacks a field can still be checked for everything else, and every mistake is shown at once.
 */

const nameForm = /^[A-Za-z0-9][\w.-]{0,63}$/;
export const isName = (text: string): boolean => nameForm.test(text) && !text.startsWith("arn");

const durationForm = "write a duration such as 30d, 2h, 15m or 90s";
const duration = z
  .string(durationForm)
  .regex(/^\d{1,9}[smhd]$/, durationForm)
  .transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== undefined) return ms;
    context.addIssue(durationForm);
    return z.NEVER;
  });

const environment = z
  .string("name the environment")
  .regex(/^[\w-]{1,64}$/, "an environment's name has up to 64 letters, digits, _ and -");

/** Without quotes, YAML reads twelve digits as a number and drops a leading zero. */
const account = z
  .string("an AWS account is twelve digits in quotes")
  .regex(/^\d{12}$/, "an AWS account is twelve digits in quotes");

const repositoriesMax = 50;
const restartsAtOnceMax = 50;
const repositories = z
  .array(
    z
      .string("a repository is written as acme/shop, or with its host")
      .max(256)
      .regex(/^[\w.-]+(?:\/[\w.-]+)+$/, "a repository is written as acme/shop, or with its host"),
    "list the repositories",
  )
  .max(repositoriesMax);

const refreshKinds = [
  "ecs-deployment",
  "lambda-recycle",
  "kubernetes-restart",
  "kubernetes-sync",
  "webhook",
  "sqs",
  "manual",
] as const;
/** Shown in tables, messages and reports, so it has one line. */
const ownerName = z
  .string("owner is the name of a team or a person")
  .regex(/^[^\p{Cc}]{1,128}$/u, "an owner has 1 to 128 characters in one line");

export const RefreshBlock = z.strictObject({
  ...(Object.fromEntries(
    refreshKinds.map((kind) => [kind, z.string("say what is refreshed").min(1).max(2048).optional()]),
  ) as Record<(typeof refreshKinds)[number], z.ZodOptional<z.ZodString>>),
  owner: ownerName.optional(),
});
export type RefreshBlock = z.output<typeof RefreshBlock>;

const platformKinds = ["kms", "ecs", "lambda", "kubernetes"] as const;
const evidenceKinds = [...reportingKinds, ...platformKinds, "attestation", "copy"] as const;

const copiesMax = 50;
const copyName = z
  .string("name the value as the consumer reads it")
  .regex(/^[\w./-]{1,128}$/, "a value's name has up to 128 letters, digits, _, ., / and -");

const destinationName = z
  .string("name a destination of stages/<stage>.yml")
  .regex(nameForm, "a destination is named as in stages/<stage>.yml");

const keyPlace = "{key}";
const copyText = z
  .string("the text has {key} where the key goes")
  .max(512)
  .refine((text) => text.split(keyPlace).length === 2, "the text has {key} once, where the key goes");

export const CopyBlock = z.strictObject({
  to: destinationName.optional(),
  as: z.union(
    [copyName, z.array(copyName).min(1).max(copiesMax)],
    "give the value's name, or a list of names",
  ),
  text: copyText.optional(),
  takeOver: z.boolean("takeOver is true or false").optional(),
});
export type CopyBlock = z.output<typeof CopyBlock>;

const secretName = z.string("name a secret of this file").regex(nameForm, "name a secret of this file");
const TakenBlock = z.union(
  [secretName, z.strictObject({ from: secretName, text: copyText.optional() })],
  "name a secret of this file, or { from, text }",
);

/** What an application takes at its places: its own name for each value, and the secret that it comes from. */
const ApplicationBlock = z.strictObject({
  to: z.union(
    [destinationName, z.array(destinationName).min(1).max(copiesMax)],
    "name a destination of stages/<stage>.yml, or a list of them",
  ),
  prefix: z
    .string("a prefix is what each of its names begins with")
    .regex(/^[\w./-]{1,64}$/, "a prefix has up to 64 letters, digits, _, ., / and -")
    .optional(),
  originals: z.boolean("originals is true or false").optional(),
  takeOver: z.boolean("takeOver is true or false").optional(),
  takes: z.record(copyName, TakenBlock, "map each name to a secret of this file"),
});
export type ApplicationBlock = z.output<typeof ApplicationBlock>;
const consumerName = /^[\w.-]{1,64}$/;

export const ConsumerBlock = z.strictObject({
  name: z
    .string("name the consumer as it reports itself")
    .regex(consumerName, "a consumer's name has up to 64 letters, digits, _, . and -")
    .optional(),
  /** Only with `keys: per-consumer`: the secret and the key that are this consumer's alone. */
  arn: z.string("give the full ARN of the consumer's own secret").max(2048).optional(),
  currentKeyId: z.string().min(1).max(256).optional(),
  environment: environment.optional(),
  account: account.optional(),
  evidence: z
    .array(z.enum(evidenceKinds, `evidence is one of ${evidenceKinds.join(", ")}`), "list its evidence")
    .min(1, "name at least one kind of evidence")
    .max(evidenceKinds.length)
    .optional(),
  maxStale: duration.optional(),
  cadence: duration.optional(),
  demandUse: z.boolean("demandUse is true or false").optional(),
  refresh: wordOr(["announce"], RefreshBlock).optional(),
  workload: z.string("name what runs the consumer").min(1).max(2048).optional(),
  copies: z.array(CopyBlock, "list the copies").max(copiesMax).optional(),
  roles: z
    .array(z.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/.{1,512}$/, "give the role's ARN"))
    .max(50)
    .optional(),
  repositories: repositories.optional(),
  restartsAtOnce: z.int("restartsAtOnce is a number").min(1).max(restartsAtOnceMax).optional(),
});
export type ConsumerBlock = z.output<typeof ConsumerBlock>;

const consumersMax = 100;

export const SecretBlock = z.strictObject({
  kind: z.literal("key", "kind is key or federated").optional(),
  /** The secret's reference, in the form that its store has; checked by that store. */
  arn: z.string("give the secret's full ARN").max(2048).optional(),
  store: z.string("name the kind of store").optional(),
  owner: ownerName.optional(),
  field: z.string("name the JSON field that holds the key").min(1).max(256).optional(),
  provider: z.string("name a provider of this file").optional(),
  keys: z.enum(["per-consumer"], "keys is per-consumer, or left out").optional(),
  rotate: z
    .unknown()
    .transform((value, context) => whenOf(value, context))
    .meta(whenJsonSchema)
    .optional(),
  mode: z.enum(modes, "mode is index, observe or rotate").optional(),
  overlap: duration.optional(),
  quiet: duration.optional(),
  soak: duration.optional(),
  maxAge: duration.optional(),
  signals: z
    .array(z.enum(["client", "provider"], "a signal is client or provider"), "list the signals")
    .max(2)
    .optional(),
  reports: z.enum(["signed", "any"], "reports is signed or any").optional(),
  retain: z.boolean("retain is true or false").optional(),
  publishable: z.boolean("publishable is true or false").optional(),
  ...termsShape,
  currentKeyId: z.string().min(1).max(256).optional(),
  scopes: z
    .array(z.string().regex(/^[\w.:/-]{1,128}$/))
    .min(1, "an empty list would mean every scope")
    .max(64)
    .optional(),
  consumers: wordOr(["none", "rekey"], z.array(ConsumerBlock).max(consumersMax)).optional(),
  repositories: repositories.optional(),
  incident: z
    .strictObject({
      plan: z.enum(["contain-first", "switch-first"], "a plan is contain-first or switch-first").optional(),
      containBy: duration.optional(),
      escalateAfter: duration.optional(),
    })
    .optional(),
});
export type SecretBlock = z.output<typeof SecretBlock>;

/** A secret has these fields from `defaults` where its own block lacks them; the others name one secret. */
export const DefaultsBlock = SecretBlock.omit({
  arn: true,
  field: true,
  currentKeyId: true,
  keys: true,
  kind: true,
});

/** What `rekey issue` makes secrets from: a secret's block without a secret, and what a new one is called. */
export const TemplateBlock = SecretBlock.omit({
  arn: true,
  store: true,
  currentKeyId: true,
  keys: true,
  kind: true,
}).extend({
  for: z.enum(recipients, `for is ${recipients.join(", ")}`).optional(),
  secret: z
    .string("name the new secret, with {name}")
    .regex(
      /^(?=[\w/+=.@{}-]{1,256}$)[\w/+=.@-]*\{name\}[\w/+=.@-]*$/,
      "a new secret's name has {name} once, beside letters, digits and /_+=.@-",
    )
    .optional(),
  endsAfter: duration.optional(),
  atMost: z.int("atMost is a number").min(1).max(1_000).optional(),
  secondPerson: z.boolean("secondPerson is true or false").optional(),
});
export type TemplateBlock = z.output<typeof TemplateBlock>;

const count = (max: number) => z.int(`a whole number from 1 to ${max}`).min(1).max(max).optional();

/** What every kind of provider takes beside its own settings. */
export const AccountBlock = z.strictObject({
  budget: z
    .strictObject({
      callsPerSecond: count(1_000),
      callsPerMinute: count(60_000),
      mintsAtOnce: count(1_000),
      failuresInARow: count(failuresMax),
    })
    .optional(),
});
export type AccountBlock = z.output<typeof AccountBlock>;

const anyBlock = z.record(z.string(), z.unknown());

export const FileBlock = z.strictObject({
  version: z.literal(1, "this Rekey reads version 1").optional(),
  name: z
    .string("name the file")
    .regex(
      /^[A-Za-z0-9][\w.-]{0,63}$/,
      "a name starts with a letter or digit and has up to 64 letters, digits, _, . and -",
    )
    .optional(),
  environment: environment.optional(),
  account: account.optional(),
  providers: anyBlock.optional(),
  defaults: anyBlock.optional(),
  secrets: anyBlock.optional(),
  templates: anyBlock.optional(),
  applications: z
    .record(
      z.string().regex(consumerName),
      z.union([ApplicationBlock, z.array(ApplicationBlock).min(1).max(copiesMax)]),
    )
    .optional(),
});
export type FileBlock = z.output<typeof FileBlock>;
