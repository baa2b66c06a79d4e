import assert from "node:assert/strict";
import { GetFunctionConfigurationCommand, InvokeCommand } from "@aws-sdk/client-lambda";
import type { ConformanceCase } from "../case.ts";

const service = "lambda";

export const lambdaCases: readonly ConformanceCase[] = [
  {
    service,
    name: "a function that does not exist can be neither invoked nor described",
    run: async ({ lambda }, scratch) => {
      const FunctionName = scratch.unique("none");
      for (const send of [
        () => lambda.send(new InvokeCommand({ FunctionName, Payload: "{}" })),
        () => lambda.send(new InvokeCommand({ FunctionName, Payload: "{}", InvocationType: "Event" })),
        () => lambda.send(new GetFunctionConfigurationCommand({ FunctionName })),
      ]) {
        await assert.rejects(send(), { name: "ResourceNotFoundException" });
      }
    },
  },
];
