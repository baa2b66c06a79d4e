import { InputInvalid, SecretUnusable } from "../../core/errors.ts";
import type { JsonReply } from "../http.ts";

/** Only the status: an answer may quote what was sent. */
export function refusalOf({ status }: JsonReply, { what, reference }: { what: string; reference: string }) {
  if (status === 404) return new SecretUnusable(`${reference} does not exist: ${what}`);
  if (status === 403) return new SecretUnusable(`${reference}: Google's IAM does not allow to ${what} (403)`);
  // FAILED_PRECONDITION: the version is disabled or destroyed.
  if (status === 400) return new SecretUnusable(`${reference}: Google refused to ${what} (400)`);
  return new InputInvalid(`${reference}: Google refused to ${what} (${status})`);
}
