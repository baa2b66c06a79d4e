import { RotationError } from "../../../core/errors.ts";
import type { RekeyEvent } from "../../../core/ports.ts";
import type { Deps } from "../../deps.ts";

/** Publishes an event about an incident. If the bus is down, containment goes on. */
export async function publish(event: RekeyEvent, deps: Pick<Deps, "bus" | "log">): Promise<void> {
  try {
    await deps.bus.publish(event);
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    deps.log({ step: "announce", outcome: "notPublished", type: event.type, error: error.name });
  }
}
