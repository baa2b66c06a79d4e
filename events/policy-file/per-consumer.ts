import type { ProviderFacts } from "../../core/policy.ts";
import type { BlockMistake } from "./block.ts";
import type { Path } from "./document.ts";
import { type ConsumerBlock, isName, type SecretBlock } from "./schema.ts";

/** One secret that a block stands for. Most blocks stand for one; with `keys: per-consumer`, for one of each consumer. */
export interface Member {
  readonly name: string;
  readonly block: SecretBlock;
  /** Where a field of `block` is written in the block of the file. */
  placeOf(path: Path): Path;
}

/** What a consumer says of its own secret. In other blocks the block says it. */
const ownFields = ["arn", "currentKeyId"] as const;

interface Members {
  readonly members: readonly Member[];
  readonly mistakes: readonly BlockMistake[];
}

/** The secrets of one block: each consumer that has a key of its own also has a secret and a policy of its own. */
export function membersOf(name: string, block: SecretBlock, facts: ProviderFacts | undefined): Members {
  const { keys, ...shared } = block;
  if (keys === undefined)
    return { members: [{ name, block, placeOf: (path) => path }], mistakes: ownKeysUnasked(block) };
  const { consumers } = shared;
  if (!Array.isArray(consumers) || consumers.length === 0)
    return one(
      "consumers",
      "with `keys: per-consumer` every consumer is listed, each with an arn of its own",
    );
  const listed: readonly ConsumerBlock[] = consumers;
  const members = listed.map((consumer, index) => memberOf({ name, shared, consumer, index }));
  return {
    members,
    mistakes: [...blockMistakes(block), ...limitMistakes(listed, facts), ...namesOf(name, listed)],
  };
}

/** What a member's policy is called: commands, pages and reports then say whose key it is. */
export function memberName(block: string, consumer: string): string {
  return `${block}.${consumer}`;
}

function memberOf(of: {
  readonly name: string;
  readonly shared: SecretBlock;
  readonly consumer: ConsumerBlock;
  readonly index: number;
}): Member {
  const { name, shared, consumer, index } = of;
  const { arn, currentKeyId, ...rest } = consumer;
  const block: SecretBlock = {
    ...shared,
    ...{ consumers: [rest], arn, currentKeyId },
  };
  return {
    name: memberName(name, consumer.name ?? String(index)),
    block,
    placeOf: ([field, ...path]) => {
      if (field === undefined) return [];
      if (ownFields.some((own) => own === field)) return ["consumers", index, field, ...path];
      return field === "consumers" && path.length > 0
        ? ["consumers", index, ...path.slice(1)]
        : [field, ...path];
    },
  };
}

/** Fields that name one secret or one key say nothing about several. */
function blockMistakes(block: SecretBlock): readonly BlockMistake[] {
  return ownFields
    .filter((field) => block[field] !== undefined)
    .map((field) => ({
      path: [field],
      message: `with \`keys: per-consumer\` each consumer has ${field} of its own: write it there`,
    }));
}

function namesOf(block: string, consumers: readonly ConsumerBlock[]): readonly BlockMistake[] {
  const seen = new Set<string>();
  return consumers.flatMap(({ name }, index): readonly BlockMistake[] => {
    if (name === undefined) return [];
    const path = ["consumers", index, "name"];
    const own = memberName(block, name);
    if (seen.has(own))
      return [{ path, message: `${name} is listed twice: two secrets would be called ${own}` }];
    seen.add(own);
    return isName(own)
      ? []
      : [{ path, message: `its secret would be called ${own}: a name has at most 64 characters` }];
  });
}

function limitMistakes(
  consumers: readonly ConsumerBlock[],
  facts: ProviderFacts | undefined,
): readonly BlockMistake[] {
  const shape = facts?.capabilities.shape;
  if (shape?.kind === "assisted")
    return [
      keysMistake("no call of this provider makes a key, so a person would have to make each consumer's"),
    ];
  if (shape?.kind === "slots")
    return [keysMistake("this provider has two places for all consumers together")];
  if (shape?.kind !== "atMost" || consumers.length < shape.keys) return [];
  const room = `${consumers.length} consumers and one incoming key need ${consumers.length + 1} keys`;
  return [keysMistake(`${room}, and this provider allows ${shape.keys} for one owner`)];
}

function keysMistake(message: string): BlockMistake {
  return { path: ["keys"], message };
}

function ownKeysUnasked({ consumers }: SecretBlock): readonly BlockMistake[] {
  if (!Array.isArray(consumers)) return [];
  return consumers.flatMap((consumer: ConsumerBlock, index) =>
    ownFields
      .filter((field) => consumer[field] !== undefined)
      .map((field) => ({
        path: ["consumers", index, field],
        message: `a consumer has ${field} of its own only with \`keys: per-consumer\``,
      })),
  );
}

function one(field: string, message: string): Members {
  return { members: [], mistakes: [{ path: [field], message }] };
}
