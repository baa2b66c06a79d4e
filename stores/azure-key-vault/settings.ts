import * as z from "zod";

const guid = z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

/** One vault, as the deployment knows it. Nothing in it is secret. */
export const azureSettings = z.strictObject({
  address: z
    .string()
    .regex(
      /^https:\/\/[a-z][a-z0-9-]{1,22}[a-z0-9]\.vault\.(?:azure\.net|azure\.cn|usgovcloudapi\.net)$/,
      "an address is https://<vault>.vault.azure.net",
    ),
  /** The directory that the application is registered in. */
  tenant: guid,
  /** The application whose federated credential trusts the tokens of this AWS account. */
  client: guid,
  /** The role that the application trusts, which the functions assume; without it each function's own role. */
  role: z
    .string()
    .regex(/^arn:aws[\w-]{0,20}:iam::\d{12}:role\/[\w+=,.@/-]{1,200}$/)
    .optional(),
  /** Who gives tokens; a national cloud has its own. */
  authority: z
    .enum([
      "https://login.microsoftonline.com",
      "https://login.partner.microsoftonline.cn",
      "https://login.microsoftonline.us",
    ])
    .default("https://login.microsoftonline.com"),
});
export type AzureSettings = z.output<typeof azureSettings>;
