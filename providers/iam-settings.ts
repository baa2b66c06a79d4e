import * as z from "zod";
import { domainOf } from "../aws/partition.ts";
import { ownUrlSetting } from "./settings.ts";

/** The settings of every issuer whose keys are those of one IAM user. Rekey's own role makes them. */
export const iamUserSettings = {
  /** Its name, without its path; the deployment's `iamUsers` names it with its path. */
  user: z.string().regex(/^[\w+=,.@-]{1,64}$/),
  region: z.string().regex(/^[a-z]{2}[a-z-]{1,24}-\d$/),
  adminCredential: z.never().exactOptional(),
  /** IAM's address, where it is not the usual one of the Region's partition. */
  baseUrl: ownUrlSetting.exactOptional(),
  /** Where the key itself is tried. */
  keyBaseUrl: ownUrlSetting.exactOptional(),
};

/** IAM has one Region in each partition, which is also the one that its requests are signed for. */
export function signingRegionOf(region: string): string {
  if (region.startsWith("cn-")) return "cn-north-1";
  if (region.startsWith("us-gov-")) return "us-gov-west-1";
  return region.startsWith("eusc-") ? "eusc-de-east-1" : "us-east-1";
}

export function iamUrl(region: string): string {
  const home = signingRegionOf(region);
  if (home === "us-east-1") return "https://iam.amazonaws.com";
  if (home === "us-gov-west-1") return "https://iam.us-gov.amazonaws.com";
  return `https://iam.${home}.${domainOf(home)}`;
}

export function endpointOf(service: string, region: string): string {
  return `https://${service}.${region}.${domainOf(region)}`;
}
