import { type AdminApi, adminApi } from "../admin-api.ts";
import type { Http } from "../http.ts";
import type { AdminCredential } from "../provider.ts";
import { CODES } from "./replies.ts";

/** The kit's admin API with OpenAI's headers and codes. What a mint's reply means is stricter here: see mint.ts. */
export function openaiApi(
  baseUrl: string,
  wired: { readonly admin: AdminCredential; readonly http: Http },
): AdminApi {
  return adminApi(
    {
      ...{ kind: "openai", baseUrl, shows: "the project" },
      headers: (credential) => ({ authorization: `Bearer ${credential}` }),
      codeAt: ["/error/code", "/error/type"],
      codes: CODES,
    },
    wired,
  );
}
