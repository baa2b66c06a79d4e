import { InputInvalid, PolicyInvalid } from "../core/errors.ts";
import type { SecretStore, StoreCapabilities } from "../core/ports.ts";
import { onlyVersions, routed } from "./routed.ts";

export interface Places {
  /** The places that the deployment lists, by the names that references use. */
  readonly listed: Readonly<Record<string, unknown>>;
  /** What one is called in messages. */
  readonly called: string;
  readonly capabilities: StoreCapabilities;
  /** The place that a reference names; undefined where it is no reference of this kind of store. */
  placeIn(reference: string): string | undefined;
  connect(settings: unknown): SecretStore;
}

/** One store of several places: which one a secret is in, its reference says, and where that is, the deployment. */
export function storeByPlace({ listed, called, capabilities, placeIn, connect }: Places): SecretStore {
  const made = new Map<string, SecretStore>();
  const at = (reference: string): SecretStore => {
    const place = placeIn(reference);
    if (place === undefined) throw new InputInvalid(`this is no reference of a secret in a ${called}`);
    const known = made.get(place);
    if (known !== undefined) return known;
    const given = Object.hasOwn(listed, place) ? listed[place] : undefined;
    if (given === undefined) throw new PolicyInvalid(`the deployment lists no ${called} called ${place}`);
    const store = connect(given);
    made.set(place, store);
    return store;
  };
  return { ...routed(at, () => capabilities), ...onlyVersions };
}
