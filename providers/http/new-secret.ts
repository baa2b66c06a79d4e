import { randomInt } from "node:crypto";
import { Secret } from "../../core/secret.ts";

/** A text for the shape `clientSecret`. */
export function makeUpSecret({
  prefix,
  length,
}: {
  readonly prefix: string;
  readonly length: number;
}): Secret {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const text = Array.from({ length }, () => letters[randomInt(letters.length)]).join("");
  return new Secret(`${prefix}${text}`);
}
