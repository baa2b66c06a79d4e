import { SFNClient } from "@aws-sdk/client-sfn";
import { awsBounds } from "../../../aws/bounds.ts";
import type { Executions } from "../../../core/ports.ts";
import { type MachineArns, stepFunctions } from "../../adapters/step-functions.ts";

export function connectExecutions(machines: MachineArns): Executions {
  return stepFunctions(new SFNClient(awsBounds), machines);
}
