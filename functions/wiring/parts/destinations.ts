import type { Destination, Destinations } from "../../../core/copies/destination.ts";
import { PolicyInvalid } from "../../../core/errors.ts";
import { connectLater } from "../../../destinations/connect.ts";
import { destinationKinds } from "../../../destinations/index.ts";
import { boundedHttp } from "../../../providers/http.ts";
import { adminCredential } from "../../adapters/admin-credential.ts";
import type { Deps } from "../../deps.ts";
import type { Part } from "../base.ts";
import { listedDestinations, settings } from "../settings.ts";

/** The places that the deployment lists, each connected when it is first named. */
export const destinations: Part<"destinations"> = (base): Destinations => {
  const places = listedDestinations();
  const made = new Map<string, Destination>();
  return {
    named(name) {
      const place = Object.hasOwn(places, name) ? places[name] : undefined;
      if (place === undefined) return undefined;
      const destination = made.get(name) ?? connect(place, base);
      made.set(name, destination);
      return destination;
    },
  };
};

function connect(
  { kind: kindName, consumers, ...given }: Readonly<Record<string, unknown>>,
  { store, environment, clock }: Deps,
): Destination {
  const kind = Object.hasOwn(destinationKinds, String(kindName))
    ? destinationKinds[String(kindName)]
    : undefined;
  if (kind === undefined) throw new PolicyInvalid(`no destination is called ${String(kindName)}`);
  const tokenArn = typeof given["token"] === "string" ? given["token"] : undefined;
  const credential = adminCredential(store, tokenArn);
  const { allowLoopbackProviders: allowLoopback } = settings();
  const made = connectLater(kind, async () => ({
    settings: given,
    environment,
    token: ({ afresh = false } = {}) => {
      if (afresh) credential.refused();
      return credential.get();
    },
    http: boundedHttp({ allowHosts: kind.hosts(given), allowLoopback }),
    aws: (await import("../clients/copies.ts")).awsReach(clock.pause),
  }));
  return Array.isArray(consumers) ? { ...made, consumers: consumers.map(String) } : made;
}
