import type { SecretArn } from "../../../core/ports.ts";

export const account = "111122223333";

export const secretArnOf = (name: string): SecretArn =>
  `arn:aws:secretsmanager:eu-west-1:${account}:secret:${name}-AbCdEf`;

export const functionArnPrefix = `arn:aws:lambda:eu-west-1:${account}:function:`;

export const executionArnOf = (machine: string, name: string): string =>
  `arn:aws:states:eu-west-1:${account}:execution:rekey-${machine}:${name}`;
