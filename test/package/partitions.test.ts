import { domainOf, stsHost } from "../../aws/partition.ts";
import { resolveStack } from "../../local/stack/resolve.ts";
import { endpointOf } from "../../sdk/client/endpoints.ts";
import { deployment } from "./deployment.ts";
import { rendered } from "./packaged.ts";

const places = [
  { partition: "aws", region: "eu-central-1", domain: "amazonaws.com" },
  { partition: "aws-cn", region: "cn-north-1", domain: "amazonaws.com.cn" },
  { partition: "aws-us-gov", region: "us-gov-west-1", domain: "amazonaws.com" },
  { partition: "aws-eusc", region: "eusc-de-east-1", domain: "amazonaws.eu" },
];

test.each(places)("the template of $region names its own partition and no other", (place) => {
  const { partition, region } = place;
  const stack = resolveStack(rendered({ ...deployment, region }), {
    ...{ partition, region, account: "123456789012", stackName: "rekey-production", url: "http://127.0.0.1" },
  });
  const text = JSON.stringify([...stack.values()]);
  const partitions = new Set([...text.matchAll(/arn:([\w-]+):/g)].map(([, found]) => found));
  expect([...partitions]).toEqual([partition]);
  expect(text).toContain(`secretsmanager.${region}.${place.domain}`.replace("secretsmanager", "dynamodb"));
});

test.each(places)("the domain of $region is the one that the client library knows", ({ region, domain }) => {
  expect(domainOf(region)).toBe(domain);
  const choice = { service: "events", region, useFips: false, useDualStack: false } as const;
  expect(endpointOf(choice)).toBe(`https://events.${region}.${domain}`);
});

test("an order is signed for the STS endpoint that the settings of FIPS and IPv6 choose", () => {
  const fips = { AWS_USE_FIPS_ENDPOINT: "true" };
  const dual = { AWS_USE_DUALSTACK_ENDPOINT: "true" };
  expect(stsHost("us-east-1", {})).toBe("sts.us-east-1.amazonaws.com");
  expect(stsHost("us-east-1", fips)).toBe("sts-fips.us-east-1.amazonaws.com");
  expect(stsHost("us-gov-west-1", fips)).toBe("sts.us-gov-west-1.amazonaws.com");
  expect(stsHost("eu-central-1", dual)).toBe("sts.eu-central-1.api.aws");
  expect(stsHost("us-east-1", { ...fips, ...dual })).toBe("sts-fips.us-east-1.api.aws");
  expect(stsHost("cn-north-1", {})).toBe("sts.cn-north-1.amazonaws.com.cn");
});
