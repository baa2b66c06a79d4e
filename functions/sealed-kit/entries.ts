/** What the ledger keeps of a kit: nothing of what is in it but how to know it again. */
export interface KitEntry {
  readonly kitId: string;
  readonly exportedAtMs: number;
  /** Of what is in it; decides whether a new one is needed. */
  readonly contentSha256: string;
  /** Of the sealed file. */
  readonly sha256: string;
  /** SPKI in base64: verifies what was logged with this kit. */
  readonly publicKey: string;
  readonly secrets: number;
}

export const kitEntryAt = (kitId: string) => ({ kind: "KIT", id: "all", sort: kitId }) as const;
export const newestKitAt = { kind: "KIT", id: "newest", sort: "newest" } as const;

/** What the function answers that makes kits. */
export type KitAnswer =
  | { readonly outcome: "notConfigured" }
  | { readonly outcome: "unchanged"; readonly kitId: string }
  | {
      readonly outcome: "exported";
      readonly kitId: string;
      readonly exportedAtMs: number;
      readonly sha256: string;
      readonly secrets: number;
      /** The kit itself, where a person asked for it and it is not too large. */
      readonly sealed?: string;
    };

/** One is made each day, and at once when a policy, a key or an admin credential changed: later than this none was made. */
export const kitAgeMaxMs = 36 * 3_600_000;
