import type { SecretMaker } from "../../../core/ports.ts";
import type { Part } from "../base.ts";
import { once } from "../once.ts";

/** Makes secrets in this account and Region. */
export const maker: Part<"maker"> = ({ environment }) => {
  const loaded = once(
    async (): Promise<SecretMaker> => (await import("../clients/maker.ts")).connectMaker(environment),
  );
  return {
    find: async (name) => (await loaded()).find(name),
    make: async (secret) => (await loaded()).make(secret),
  };
};
