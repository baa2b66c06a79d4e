import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { awsBounds } from "../../../aws/bounds.ts";
import type { EventBus } from "../../../core/ports.ts";
import { eventBridgeBus } from "../../adapters/event-bridge.ts";

export function connectBus(busName: string): EventBus {
  return eventBridgeBus(new EventBridgeClient(awsBounds), busName);
}
