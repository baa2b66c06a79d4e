type Service = "secretsmanager" | "events";

export interface EndpointChoice {
  service: Service;
  region: string;
  useFips: boolean;
  useDualStack: boolean;
}

/** A partition's Regions by their beginning, with its domain, and the one of its dual-stack endpoints. */
const partitions = [
  [/^cn-/, "amazonaws.com.cn", "api.amazonwebservices.com.cn"],
  [/^eusc-/, "amazonaws.eu", "api.amazonwebservices.eu"],
  [/^us-iso-/, "c2s.ic.gov", "api.aws.ic.gov"],
  [/^us-isob-/, "sc2s.sgov.gov", "api.aws.scloud"],
  [/^eu-isoe-/, "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"],
  [/^us-isof-/, "csp.hci.ic.gov", "api.aws.hci.ic.gov"],
  [/^/, "amazonaws.com", "api.aws"],
] as const;

/** The address of a service, as AWS's own SDKs have it (their endpoint rules, 2026-11). */
export function endpointOf({ service, region, useFips, useDualStack }: EndpointChoice): string {
  const [, plain, dualStack] = partitions.find(([regions]) => regions.test(region)) ?? partitions[6];
  // GovCloud's EventBridge has one endpoint, and it is the FIPS one.
  const isFipsAlready = service === "events" && region.startsWith("us-gov-");
  // Secrets Manager's ordinary endpoints answer over both stacks in the older partitions; China's FIPS one does not.
  const isDualAlready =
    service === "secretsmanager" && (plain === "amazonaws.com" || (plain.endsWith(".cn") && !useFips));
  const host = useFips && !isFipsAlready ? `${service}-fips` : service;
  return `https://${host}.${region}.${useDualStack && !isDualAlready ? dualStack : plain}`;
}
