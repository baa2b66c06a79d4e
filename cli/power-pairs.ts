import { type Power, powers } from "./powers.ts";

/** Two powers that somebody holds together. */
export interface PowerPair {
  readonly powers: readonly [Power, Power];
  /** What one holder can do with both, and could not with either. */
  readonly means: string;
  readonly who: readonly string[];
}

/** Minting and revoking is one power: nobody holds a half of it. */
export interface Together {
  readonly pairs: readonly PowerPair[];
  readonly mintAndRevoke: readonly string[];
}

type PairName = `${Power}+${Power}`;

const meanings: Readonly<Partial<Record<PairName, string>>> = {
  "read+decrypt": "reads secrets under a key of KMS that is not AWS's own",
  "read+stage": "sees a key and puts another one beside it, which nobody is given yet",
  "read+promote": "sees the key and decides which version consumers are given",
  "read+provider": "sees the key, and can make and end keys",
  "read+record": "sees the key and writes what is recorded about it",
  "read+sign": "sees the key and signs proofs",
  "read+order": "sees the key and gives orders about it",
  "decrypt+promote": "opens what is encrypted and decides which version consumers are given",
  "stage+promote": "gives consumers a key that it put there itself",
  "stage+provider": "makes a key and puts it beside the current one",
  "stage+record": "puts a key there and writes that Rekey did",
  "promote+provider": "decides which key consumers are given, and can end the other one",
  "promote+record": "moves a version and writes why",
  "provider+record": "ends a key and writes why",
  "provider+sign": "ends a key and signs that it is dead",
  "provider+order": "ends keys itself, past the function that checks orders",
  "record+sign": "writes what it signs: nobody may",
  "record+order": "writes the ledger itself, past the function that checks orders",
  "sign+order": "signs what it ordered",
};

/** Where one holder has two powers, with the pairs that most hold first. */
export function togetherIn(
  holders: readonly { readonly name: string; readonly powers: readonly { readonly power: Power }[] }[],
): Together {
  const whoHas = (wanted: readonly Power[]) =>
    holders
      .filter(({ powers: held }) => wanted.every((power) => held.some((each) => each.power === power)))
      .map(({ name }) => name);
  const pairs = powers.flatMap((one, at) =>
    powers.slice(at + 1).flatMap((other): readonly PowerPair[] => {
      const who = whoHas([one, other]);
      const means = meanings[`${one}+${other}`] ?? "each of the two";
      return who.length === 0 ? [] : [{ powers: [one, other], means, who }];
    }),
  );
  return {
    pairs: pairs.sort((one, other) => other.who.length - one.who.length),
    mintAndRevoke: whoHas(["provider"]),
  };
}
