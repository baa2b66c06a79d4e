import type { Federated } from "../core/federated.ts";
import type { TableKey } from "../core/ports.ts";
import type { Documents } from "./documents.ts";

const keyOf = (name: string): TableKey => ({ kind: "POLICY", id: "federated", sort: name });

/** Consumers that have no key, by the name of their block. */
export function federatedIn(at: Documents) {
  return {
    federated: () => at.all<Federated>({ kind: "POLICY", id: "federated" }),
    putFederated: (declared: Federated) => at.write(keyOf(declared.name), declared),
    removeFederated: (name: string) => at.remove(keyOf(name)),
  };
}
