import type { Observation } from "../core/adoption/observation.ts";
import type { SecretArn, TableKey } from "../core/ports.ts";
import type { Documents } from "./documents.ts";

const observationKey = (secretArn: SecretArn): TableKey => ({
  kind: "OBSERVATION",
  id: secretArn,
  sort: "latest",
});

/** What secrets under `mode: observe` have shown. */
export function observationsIn(at: Documents) {
  return {
    observation: (secretArn: SecretArn) => at.read<Observation>(observationKey(secretArn)),
    changeObservation: (secretArn: SecretArn, change: (before: Observation | undefined) => Observation) =>
      at.change<Observation>(observationKey(secretArn), change),
  };
}
