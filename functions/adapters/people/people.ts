import { SNSClient } from "@aws-sdk/client-sns";
import { awsBounds } from "../../../aws/bounds.ts";
import { boundedHttp, type Http } from "../../../providers/http.ts";
import type { Deps, Escalator } from "../../deps.ts";
import { adminCredential } from "../admin-credential.ts";
import {
  busChannel,
  pagerdutyChannel,
  pagerdutyHost,
  slackChannel,
  slackHost,
  snsChannel,
} from "./channels.ts";
import { type Channel, escalator } from "./escalation.ts";

/** The parts of `Deps` that an incident's own adapters may use. */
export type IncidentWorld = Pick<Deps, "store" | "bus" | "clock" | "log">;

/** The settings for reaching people. What is not set is not used. */
export interface IncidentSettings {
  readonly environment: string;
  readonly pageTopicArn?: string | undefined;
  /** Secrets Manager ARNs: of the routing key, and of the webhook's whole address. */
  readonly pagerdutySecretArn?: string | undefined;
  readonly slackSecretArn?: string | undefined;
  /** Where this repository's docs/ can be read; pages link to its runbooks. */
  readonly docsUrl?: string | undefined;
}

export function peopleEscalator(world: IncidentWorld, settings: IncidentSettings): Escalator {
  return escalator({ channels: channelsOf(world, settings), clock: world.clock, log: world.log });
}

/** In the order in which they are tried if nothing else works. */
export function channelsOf(
  world: Pick<IncidentWorld, "store" | "bus">,
  settings: IncidentSettings,
  http: Http = boundedHttp({ allowHosts: [pagerdutyHost, slackHost] }),
): readonly Channel[] {
  const { environment, pageTopicArn, pagerdutySecretArn, slackSecretArn, docsUrl = "" } = settings;
  const { store } = world;
  return [
    ...(pagerdutySecretArn
      ? [
          pagerdutyChannel({
            http,
            routingKey: adminCredential(store, pagerdutySecretArn),
            environment,
            docsUrl,
          }),
        ]
      : []),
    ...(pageTopicArn ? [snsChannel(new SNSClient(awsBounds), { topicArn: pageTopicArn, docsUrl })] : []),
    ...(slackSecretArn
      ? [slackChannel({ http, webhook: adminCredential(store, slackSecretArn), docsUrl })]
      : []),
    busChannel(world.bus),
  ];
}
