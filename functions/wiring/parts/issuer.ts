import type { Part } from "../base.ts";
import { once } from "../once.ts";

/** The function that makes new secrets, which has rights that nobody else has. */
export const issuer: Part<"issuer"> = ({ environment }) => {
  const loaded = once(async () => (await import("../clients/issuer.ts")).connectIssuer(environment));
  return { make: async (name) => (await loaded()).make(name) };
};
