import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { endpointOf } from "../../sdk/client/endpoints.ts";

const regions = [
  ...["us-east-1", "eu-central-1", "ap-southeast-7", "il-central-1", "mx-central-1"],
  ...["cn-north-1", "us-gov-west-1", "us-gov-east-1", "eusc-de-east-1"],
  ...["us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1"],
];
const clients = { secretsmanager: SecretsManagerClient, events: EventBridgeClient } as const;
const choices = [false, true].flatMap((useFips) =>
  [false, true].map((useDualStack) => ({ useFips, useDualStack })),
);

/** What AWS's own SDK calls. */
function sdkEndpoint(
  service: keyof typeof clients,
  region: string,
  { useFips, useDualStack }: (typeof choices)[number],
) {
  const { config } = new clients[service]({ region });
  const params = { Region: region, UseFIPS: useFips, UseDualStack: useDualStack };
  return config.endpointProvider(params).url.origin;
}

test.each(regions)("every endpoint of %s is the one that AWS's SDK has", (region) => {
  for (const service of ["secretsmanager", "events"] as const) {
    for (const choice of choices) {
      const expected = sdkEndpoint(service, region, choice);
      expect({ service, ...choice, url: endpointOf({ service, region, ...choice }) }).toEqual({
        ...{ service, ...choice },
        url: expected,
      });
    }
  }
});
