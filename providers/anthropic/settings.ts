import * as z from "zod";
import { secretArnSetting } from "../provider.ts";
import { baseUrlSetting, propagationSetting } from "../settings.ts";

export const anthropicUrl = "https://api.anthropic.com";

export const AnthropicSettings = z.strictObject({
  adminCredential: secretArnSetting,
  /** Keys of other workspaces are never listed, changed or archived; without it, the whole organisation is seen. */
  workspace: z
    .string()
    .regex(/^wrkspc_[A-Za-z0-9_-]{1,64}$/)
    .exactOptional(),
  baseUrl: baseUrlSetting(anthropicUrl),
  propagation: propagationSetting,
});
export type AnthropicSettings = z.output<typeof AnthropicSettings>;
