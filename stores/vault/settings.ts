import * as z from "zod";
import { referenceMistake } from "../secrets-manager/reference.ts";

/** https, or a server in development mode on this machine. */
const address = z
  .string()
  .regex(
    /^https:\/\/[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::\d{1,5})?$|^http:\/\/(?:127\.0\.0\.1|localhost)(?::\d{1,5})?$/,
    "an address is https://host[:port]",
  );
const segment = /^[\w.-]{1,64}(?:\/[\w.-]{1,64}){0,4}$/;
const credential = z
  .string()
  .max(2_048)
  .refine(
    (text) => referenceMistake(text) === undefined,
    "give the full ARN of the secret with the credential",
  );
const mount = z.string().regex(segment);
const role = z.string().regex(/^[\w.-]{1,128}$/);

/** How a function gets its token. What is secret in it is a secret of its own in Secrets Manager. */
const login = z.discriminatedUnion("method", [
  z.strictObject({
    method: z.literal("approle"),
    mount: mount.default("approle"),
    roleId: z.string().regex(/^[\w.-]{1,128}$/),
    credential,
  }),
  z.strictObject({ method: z.literal("jwt"), mount: mount.default("jwt"), role, credential }),
  z.strictObject({
    method: z.literal("kubernetes"),
    mount: mount.default("kubernetes"),
    role,
    tokenFile: z
      .string()
      .regex(/^\/[\w./-]{1,256}$/)
      .default("/var/run/secrets/kubernetes.io/serviceaccount/token"),
  }),
  z.strictObject({
    method: z.literal("aws"),
    mount: mount.default("aws"),
    role,
    /** Vault's `iam_server_id_header_value`: a login that was signed for another server is refused. */
    serverId: z
      .string()
      .regex(/^[\w.:/-]{1,253}$/)
      .optional(),
    /** Of the regional STS that Vault is told to ask (`sts_region`); without it the global one. */
    region: z
      .string()
      .regex(/^[a-z]{2}(?:-[a-z]{1,10}){1,3}-\d$/)
      .optional(),
  }),
  z.strictObject({ method: z.literal("token"), credential }),
]);
export type VaultLogin = z.output<typeof login>;

/** One server, or one cluster of them, as the deployment knows it. */
export const vaultSettings = z.strictObject({
  /** Of one cluster: the next is asked where one is sealed, on standby, or does not answer. */
  addresses: z.array(address).min(1).max(5),
  namespace: z
    .string()
    .regex(/^[\w.-]{1,64}(?:\/[\w.-]{1,64}){0,4}\/?$/)
    .optional(),
  /** The mount of the KV v2 engine. */
  mount: mount.default("secret"),
  /** Below the same mount, a path that no consumer's policy allows: pending keys are there. */
  staging: z.string().regex(segment).default("rekey"),
  login,
});
export type VaultSettings = z.output<typeof vaultSettings>;
