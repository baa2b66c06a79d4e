import * as z from "zod";
import { originSetting, tokenSetting } from "../destination.ts";

const name = z.string().regex(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/);

export const kubernetesSecretSettings = z.strictObject({
  token: tokenSetting,
  /** The address of the cluster's API. */
  api: originSetting,
  namespace: name,
  secret: name,
  /** What reads the secret when it starts: `deployments/worker`, `statefulsets/queue`. */
  restart: z
    .array(z.string().regex(/^(?:deployments|statefulsets)\/[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/))
    .min(1)
    .max(20),
});
