import * as z from "zod";
import { parseDuration } from "../../core/duration.ts";
import { originSetting, tokenSetting } from "../destination.ts";

const repository = z.string().regex(/^[\w.-]{1,39}\/[\w.-]{1,100}$/);

export const githubActionsSettings = z
  .strictObject({
    token: tokenSetting,
    /** `owner/name`. */
    repository: repository.optional(),
    /** The environment inside the repository. */
    environment: z
      .string()
      .regex(/^[\w.-]{1,255}$/)
      .optional(),
    /** A secret of the organization: sharing of one that exists stays as it is; a new one is `private`. */
    organization: z
      .string()
      .regex(/^[\w.-]{1,39}$/)
      .optional(),
    /** Without an environment the secret is every workflow's; that has to be said. */
    wholeRepository: z.literal(true).optional(),
    /** No job runs for longer: 6 h on GitHub's runners, up to 5 d on one's own. */
    longestRun: z
      .string()
      .refine((text) => parseDuration(text) !== undefined)
      .default("6h"),
    /** Of GitHub Enterprise Server. */
    origin: originSetting.default("https://api.github.com"),
  })
  .refine(
    ({ repository: repo, environment, organization, wholeRepository }) => {
      const inRepository = repo !== undefined && (environment !== undefined) !== (wholeRepository === true);
      const inOrganization = [repo, environment, wholeRepository].every((each) => each === undefined);
      return organization === undefined ? inRepository : inOrganization;
    },
    { error: "name a repository with an environment (or wholeRepository: true), or an organization" },
  );
