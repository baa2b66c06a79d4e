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

type Environment = Readonly<Record<string, string | undefined>>;

/** "amazonaws.com" in most Regions. The client library, which imports nothing of Rekey, has the same table. */
export function domainOf(region: string): string {
  return partitionOf(region)[1];
}

function partitionOf(region: string) {
  return partitions.find(([regions]) => regions.test(region)) ?? partitions[6];
}

/** The host of STS in a Region, as the SDK's own settings for FIPS and dual-stack endpoints choose it. */
export function stsHost(region: string, env: Environment): string {
  const [, plain, dualStack] = partitionOf(region);
  const isOn = (name: string) => env[name]?.toLowerCase() === "true";
  const isDual = isOn("AWS_USE_DUALSTACK_ENDPOINT");
  // GovCloud's ordinary endpoint is the FIPS one, where it is not dual-stack.
  const isFips = isOn("AWS_USE_FIPS_ENDPOINT") && (isDual || !region.startsWith("us-gov-"));
  return `${isFips ? "sts-fips" : "sts"}.${region}.${isDual ? dualStack : plain}`;
}
