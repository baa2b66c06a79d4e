import * as z from "zod";
import { InputInvalid, SecretUnusable } from "../../core/errors.ts";
import type { JsonReply } from "../http.ts";

const Refused = z.object({
  error: z.object({
    code: z.string().max(64).optional(),
    innererror: z.object({ code: z.string().max(64).optional() }).nullish(),
  }),
});

/** The names that Azure gives the cause; the sentence beside them may quote what was sent. */
export function causeOf({ json }: JsonReply): string {
  const { error } = Refused.safeParse(json).data ?? {};
  return error?.innererror?.code ?? error?.code ?? "";
}

export function refusalOf(
  reply: JsonReply,
  { name, what }: { readonly name: string; readonly what: string },
) {
  const { status } = reply;
  if (status === 404)
    return new SecretUnusable(
      `${name} does not exist, or was deleted: \`az keyvault secret recover\` brings a deleted one back`,
    );
  if (status === 409 && causeOf(reply).startsWith("ObjectIs"))
    return new SecretUnusable(
      `${name} was deleted, and Azure keeps its name: recover it (az keyvault secret recover) or purge it`,
    );
  if (status === 403 || status === 401)
    return new SecretUnusable(`${name}: Azure does not allow this application to ${what} (${status})`);
  return new InputInvalid(`${name}: Azure refused to ${what} (${status})`);
}
