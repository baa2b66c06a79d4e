import * as z from "zod";

/** One project of Google Cloud, as the deployment knows it. Nothing in it is secret. */
export const googleSettings = z.strictObject({
  /** The number or the id of the project. */
  project: z.string().regex(/^[a-z0-9-]{6,30}$/),
  /** Of regional secrets, such as `europe-west3`; without it the secrets are those of the whole project. */
  location: z
    .string()
    .regex(/^[a-z]{2,20}-[a-z]{2,20}\d{1,2}$/)
    .optional(),
  /** The provider of a workload identity pool that trusts this AWS account. */
  audience: z
    .string()
    .regex(
      /^\/\/iam\.googleapis\.com\/projects\/\d{1,20}\/locations\/global\/workloadIdentityPools\/[a-z0-9-]{4,32}\/providers\/[a-z0-9-]{4,32}$/,
    ),
  /** Whose rights the functions have; without it those of the pool's own principal. */
  serviceAccount: z
    .string()
    .regex(/^[a-z0-9-]{1,63}@[a-z0-9.-]{1,200}\.iam\.gserviceaccount\.com$/)
    .optional(),
  /** The Region of the STS that signs: any, but the same for all. */
  region: z
    .string()
    .regex(/^[a-z]{2}(?:-[a-z]{1,10}){1,3}-\d$/)
    .default("us-east-1"),
});
export type GoogleSettings = z.output<typeof googleSettings>;
