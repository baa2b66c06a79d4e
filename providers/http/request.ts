import type { AdminCall } from "../admin-api.ts";
import type { HttpRequest } from "../http.ts";
import type { DeclaredRequest, DeclaredVerify } from "./declaration.ts";
import { filledHeaders, filledJson, filledPath, filledTexts, type TemplateValues } from "./template.ts";

/** The call that a declaration describes, with everything filled in but the admin credential. */
export function callOf(
  { method, path, query = {}, body, form }: DeclaredRequest,
  values: TemplateValues,
  further: Readonly<Record<string, string>> = {},
): AdminCall {
  const asked = new URLSearchParams({ ...filledTexts(query, values), ...further }).toString();
  return {
    ...{ method, path: `${filledPath(path, values)}${asked === "" ? "" : `?${asked}`}` },
    ...(body !== undefined && { body: filledJson(body, values) }),
    ...(form !== undefined && { form: filledTexts(form, values) }),
  };
}

/** The same for a request that carries its own headers. */
export function requestOf(
  baseUrl: string,
  declared: Pick<DeclaredVerify, "headers"> & DeclaredRequest,
  values: TemplateValues,
): HttpRequest {
  const { path, ...call } = callOf(declared, values);
  return { ...call, url: `${baseUrl}${path}`, headers: filledHeaders(declared.headers, values) };
}
