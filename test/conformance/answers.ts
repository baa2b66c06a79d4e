import { LookupEventsCommand } from "@aws-sdk/client-cloudtrail";
import { ListEventBusesCommand } from "@aws-sdk/client-eventbridge";
import { DescribeKeyCommand } from "@aws-sdk/client-kms";
import { GetFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import { HeadBucketCommand } from "@aws-sdk/client-s3";
import { ListSchedulesCommand } from "@aws-sdk/client-scheduler";
import { ListSecretsCommand } from "@aws-sdk/client-secrets-manager";
import { ListStateMachinesCommand } from "@aws-sdk/client-sfn";
import { ListTopicsCommand } from "@aws-sdk/client-sns";
import { ListQueuesCommand } from "@aws-sdk/client-sqs";
import type { Clients } from "./case.ts";

/** `lacking`: something answers, and does not serve this service. `silent`: nothing answers. */
export type ServiceAnswer = "served" | "lacking" | "silent";

/** One harmless call each. */
const asks: { readonly [Service in keyof Clients]: (client: Clients[Service]) => Promise<unknown> } = {
  sfn: (client) => client.send(new ListStateMachinesCommand({ maxResults: 1 })),
  eventBridge: (client) => client.send(new ListEventBusesCommand({ Limit: 1 })),
  scheduler: (client) => client.send(new ListSchedulesCommand({ MaxResults: 1 })),
  lambda: (client) => client.send(new GetFunctionConfigurationCommand({ FunctionName: "rekey-absent" })),
  secretsManager: (client) => client.send(new ListSecretsCommand({ MaxResults: 1 })),
  s3: (client) => client.send(new HeadBucketCommand({ Bucket: "rekey-absent" })),
  sns: (client) => client.send(new ListTopicsCommand({})),
  sqs: (client) => client.send(new ListQueuesCommand({ MaxResults: 1 })),
  cloudTrail: (client) => client.send(new LookupEventsCommand({ MaxResults: 1 })),
  kms: (client) => client.send(new DescribeKeyCommand({ KeyId: "00000000-0000-4000-8000-000000000000" })),
};

/** A refusal is an answer too, unless it says that there is no such service. */
export async function answerOf(service: keyof Clients, clients: Clients): Promise<ServiceAnswer> {
  const ask = asks[service] as (client: Clients[typeof service]) => Promise<unknown>;
  try {
    await ask(clients[service]);
    return "served";
  } catch (error) {
    const { $metadata, message = "" } = error as {
      readonly $metadata?: { readonly httpStatusCode?: number };
      readonly message?: string;
    };
    const status = $metadata?.httpStatusCode;
    if (status === undefined) return "silent";
    return status === 501 || noSuchService.test(message) ? "lacking" : "served";
  }
}

/** The local cloud's words, and those of emulators whose services can be switched off. */
const noSuchService = /nothing here answers|is not enabled|not (?:yet )?(?:been )?implemented/i;
