import * as z from "zod";
import { type DeclaredKind, issuersOf } from "../policy-file.ts";
import { wordsOrBlockOf } from "./block.ts";
import { FederatedBlock } from "./federated.ts";
import { AccountBlock, DefaultsBlock, FileBlock, SecretBlock, TemplateBlock } from "./schema.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * A JSON Schema of `rekey.yml` for editors. It knows every field and its form; what fields have to do with each
 * other, only `rekey lint` knows.
 */
export function policyFileJsonSchema(kinds: Readonly<Record<string, DeclaredKind>>): Json {
  const { properties, ...top } = jsonOf(FileBlock) as { properties: Json };
  const settings = Object.entries(kinds).map(([kind, declared]) => settingsOf(kind, declared));
  const provider = {
    type: "object",
    required: ["kind"],
    properties: { kind: { enum: Object.keys(kinds) } },
    allOf: settings.map(({ kind, schema }) => ({
      if: { properties: { kind: { const: kind } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema, and no promise.
      then: schema,
    })),
  };
  const secret = {
    if: { properties: { kind: { const: "federated" } }, required: ["kind"] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema, and no promise.
    then: { $ref: "#/$defs/federated" },
    else: { $ref: "#/$defs/secret" },
  };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "rekey.yml",
    ...withoutSchema(top),
    required: ["version", "environment", "account", "providers", "secrets"],
    patternProperties: { "^x-": {} },
    properties: {
      ...properties,
      version: { const: 1 },
      providers: { type: "object", additionalProperties: provider },
      defaults: withoutSchema(jsonOf(DefaultsBlock)),
      secrets: { type: "object", additionalProperties: secret },
      templates: { type: "object", additionalProperties: withoutSchema(jsonOf(TemplateBlock)) },
    },
    $defs: {
      secret: {
        ...withoutSchema(jsonOf(SecretBlock)),
        anyOf: [{ required: ["arn"] }, { required: ["keys"] }],
      },
      federated: {
        ...withoutSchema(jsonOf(FederatedBlock.extend({ issuer: z.enum(issuersOf(kinds)) }))),
        required: ["kind", "issuer", "identity", "consumers"],
      },
      ...accountDefinitions(),
      ...Object.assign({}, ...settings.map(({ definitions }) => definitions)),
    },
  };
}

/** What every kind of provider takes, written once. */
function accountDefinitions(): Json {
  const { properties } = jsonOf(AccountBlock) as { readonly properties: Json };
  return Object.fromEntries(
    Object.entries(properties).map(([field, definition]) => [`account-${field}`, definition]),
  );
}

/** The settings of one kind of provider; what they refer to gets names of its own among all kinds. */
function settingsOf(kind: string, { settings }: DeclaredKind) {
  const text = JSON.stringify(jsonOf(settings)).replaceAll("#/$defs/", `#/$defs/${kind}-`);
  const {
    $defs = {},
    properties,
    ...rest
  } = withoutSchema(JSON.parse(text) as Json) as {
    $defs?: Json;
    properties?: Json;
  };
  const definitions = Object.fromEntries(
    Object.entries($defs).map(([name, definition]) => [`${kind}-${name}`, definition]),
  );
  const shared = Object.keys(AccountBlock.shape).map((field) => [
    field,
    { $ref: `#/$defs/account-${field}` },
  ]);
  const all = { ...properties, ...Object.fromEntries(shared), kind: { const: kind } };
  return { kind, definitions, schema: { ...rest, properties: all } };
}

function withoutSchema({ $schema: _, ...rest }: Json): Json {
  return rest;
}

function jsonOf(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, {
    ...{ io: "input", unrepresentable: "any", target: "draft-2020-12" },
    override: ({ zodSchema, jsonSchema }) => {
      const inside = wordsOrBlockOf(zodSchema);
      if (inside === undefined) return;
      const block = withoutSchema(jsonOf(inside.block));
      Object.assign(jsonSchema, { anyOf: [{ enum: [...inside.words] }, block] });
    },
  });
}
