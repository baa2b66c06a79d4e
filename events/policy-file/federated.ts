import * as z from "zod";
import { durationText } from "../../core/duration.ts";
import type { Federated } from "../../core/federated.ts";
import { type Mistake, readBlock } from "./block.ts";
import type { Path } from "./document.ts";
import { ConsumerBlock, isName, SecretBlock } from "./schema.ts";
import type { Surroundings } from "./secret-policy.ts";

const hourMs = 3_600_000;
/** What lives longer is a key by another name. */
const ttlMaxMs = 24 * hourMs;

const shape = SecretBlock.shape;

/** A secret's block with `kind: federated`: consumers that have no key. */
export const FederatedBlock = z.strictObject({
  kind: z.literal("federated"),
  issuer: z.string("name whose credentials they are").optional(),
  identity: z
    .string("name the service account, application or role that the credentials are of")
    .regex(/^[^\p{Cc}\s]{1,256}$/u, "an identity has 1 to 256 characters without spaces")
    .optional(),
  audience: z
    .string("name whom a program's statement of itself is for")
    .regex(/^[^\p{Cc}\s]{1,512}$/u, "an audience has 1 to 512 characters without spaces")
    .optional(),
  ttl: shape.maxAge,
  scopes: shape.scopes,
  owner: shape.owner,
  consumers: z
    .array(ConsumerBlock.pick({ name: true, environment: true, account: true }), "list the consumers")
    .max(100)
    .optional(),
});

export function isFederated(raw: unknown): boolean {
  return typeof raw === "object" && raw !== null && (raw as { kind?: unknown }).kind === "federated";
}

interface Named {
  readonly name: string;
  readonly raw: unknown;
}

/** What one such block declares, with every default filled in. `defaults` are of secrets with keys. */
export function federatedFrom(
  { name, raw }: Named,
  around: Pick<Surroundings, "environment" | "account" | "file"> & { readonly issuers: readonly string[] },
): { readonly federated: Federated | undefined; readonly mistakes: readonly Mistake[] } {
  const root: Path = ["secrets", name];
  const at = (path: Path, message: string): Mistake => ({ path: [...root, ...path], part: "value", message });
  const { keyed, rest } = withoutKeyed(raw as Readonly<Record<string, unknown>>);
  const read = readBlock(FederatedBlock, rest, root);
  const { issuer, identity, audience, ttl = hourMs, scopes, owner, consumers = [] } = read.value ?? {};
  const isWrong = (field: string) => read.mistakes.some(({ path }) => path[root.length] === field);
  const missing = (field: string, value: unknown, message: string) =>
    value === undefined && !isWrong(field) ? [at([field], message)] : [];
  const mistakes = [
    ...(isName(name) ? [] : [at([], "this cannot be a secret's name")]),
    ...read.mistakes,
    ...keyed.map((field) => ({
      ...at([field], `a federated secret has no key, so it has no ${field}: take it out`),
      part: "key" as const,
    })),
    ...missing("issuer", issuer, `issuer is missing: one of ${around.issuers.join(", ")}`),
    ...(issuer === undefined || around.issuers.includes(issuer)
      ? []
      : [at(["issuer"], `issuer is one of ${around.issuers.join(", ")}`)]),
    ...missing("identity", identity, "identity is missing: the service account, application or role"),
    ...(consumers.length === 0 && !isWrong("consumers")
      ? [at(["consumers"], "no consumers: name the programs that have no key")]
      : []),
    ...consumers.flatMap(({ name: consumer }, index) =>
      consumer === undefined && !isWrong("consumers")
        ? [at(["consumers", index, "name"], "name is missing: every consumer has one")]
        : [],
    ),
    ...(ttl > ttlMaxMs
      ? [at(["ttl"], `a short-lived credential lives for at most ${durationText(ttlMaxMs)}`)]
      : []),
  ];
  if (mistakes.length > 0 || issuer === undefined || identity === undefined)
    return { federated: undefined, mistakes };
  return {
    mistakes,
    federated: {
      ...{ reference: `federated://${issuer}/${name}`, name, issuer, identity, ttlMs: ttl },
      ...{ environment: around.environment, file: around.file },
      ...(owner !== undefined && { owner }),
      ...(audience !== undefined && { audience }),
      ...(scopes !== undefined && { scopes }),
      consumers: consumers.map((consumer) => ({
        name: consumer.name ?? "",
        environment: consumer.environment ?? around.environment,
        account: consumer.account ?? around.account,
      })),
    },
  };
}

/** Fields of a secret with a key are named as such: people turn the block of one into this. */
function withoutKeyed(raw: Readonly<Record<string, unknown>>) {
  const keyed = Object.keys(raw).filter(
    (field) => Object.hasOwn(shape, field) && !Object.hasOwn(FederatedBlock.shape, field),
  );
  const rest = Object.fromEntries(Object.entries(raw).filter(([field]) => !keyed.includes(field)));
  return { keyed, rest };
}
