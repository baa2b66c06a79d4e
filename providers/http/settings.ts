import * as z from "zod";
import { parseSettings, secretArnSetting } from "../provider.ts";
import { ownUrlSetting, propagationSetting } from "../settings.ts";
import { Declaration } from "./declaration.ts";
import { textSetting } from "./fields.ts";
import { mistakesIn } from "./mistakes.ts";
import type { Plan } from "./plan.ts";

/** What fills a variable of the operator's own: the id of a project, a list of models, a limit. */
export const parameterSetting = z.union(
  [textSetting.min(1), z.number(), z.boolean(), z.array(textSetting.min(1)).min(1).max(100)],
  { error: "a parameter is a text, a number, true or false, or a list of texts" },
);

export const scopesSetting = z.array(textSetting.min(1).max(128)).min(1).max(100).exactOptional();

const parameterName = z.string().regex(/^[a-z][A-Za-z0-9]{0,31}$/, {
  error: "a parameter's name begins with a small letter and has up to 32 letters and digits",
});

export const HttpSettings = z
  .strictObject({
    adminCredential: secretArnSetting,
    baseUrl: ownUrlSetting,
    /** Where calls with the key itself go, if elsewhere. */
    keyBaseUrl: ownUrlSetting.exactOptional(),
    /** Where the admin credential is exchanged for a token, if elsewhere. */
    tokenBaseUrl: ownUrlSetting.exactOptional(),
    parameters: z.record(parameterName, parameterSetting).default({}),
    scopes: scopesSetting,
    propagation: propagationSetting,
    declaration: Declaration,
  })
  .superRefine(({ declaration, parameters }, context) => {
    for (const { path, message } of mistakesIn(declaration, Object.keys(parameters))) {
      context.addIssue({ code: "custom", path: ["declaration", ...path], message });
    }
  });

export function httpPlan(settings: unknown): Plan {
  return { kind: "http", ...parseSettings(HttpSettings, settings) };
}
