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

/** What an incident's own adapters may build on. */
export type IncidentWorld = Pick<Deps, "store" | "bus" | "clock" | "log">;

/** What a deployment has to reach people with; what is not set is not used. */
export interface IncidentSettings {
  readonly environment: string;
  readonly pageTopicArn?: string | undefined;
  /** Secrets Manager ARNs: of the routing key, and of the webhook's whole address. */
  readonly pagerdutySecretArn?: string | undefined;
  readonly slackSecretArn?: string | undefined;
  /** Where this repository's docs/ itself can be read; pages link to the runbooks in it. */
  readonly docsUrl?: string | undefined;
}

export function peopleEscalator(world: IncidentWorld, settings: IncidentSettings): Escalator {
  return escalator({ channels: channelsOf(world, settings), clock: world.clock, log: world.log });
}

/** In the order in which they are worth trying when nothing else gets through. */
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
