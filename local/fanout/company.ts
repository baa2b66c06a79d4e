import { destinationKinds } from "../../destinations/index.ts";
import { listenFake } from "../../providers/fake.ts";
import type { Tally } from "../consumer.ts";
import type { Own, PreparedWorld } from "../demonstration.ts";
import { vaultCompany } from "../vault-company.ts";
import { googlePlace } from "./google.ts";
import { copyName, copyPlace, type Place, placesOutside } from "./places.ts";
import { programConsumers, startPrograms } from "./programs.ts";
import { type Restarts, sumOf } from "./tally.ts";
import { startTraffic, type Traffic } from "./traffic.ts";

const tokenName = (place: string) => `rekey/places/${place}`;
const none: Tally = { requests: 0, failed: 0 };
const copySecret = "shop/openai-copy";

export interface FanOutCompany {
  readonly own: Own;
  readonly places: () => readonly Place[];
  /** Starts the two programs, once the policy names them. */
  startPrograms(): Promise<void>;
  /** What all but the three programs with the client library served. */
  tally(): Tally;
  /** How the program under `rekey exec` restarted on its hosts. */
  restarts(): Restarts;
  close(): Promise<void>;
}

/**
 * One key in Vault with copies in Google's store and in AWS's, seven more destinations of all four classes with what
 * runs there, and programs nobody can change.
 */
export async function fanOutCompany(): Promise<FanOutCompany> {
  const vault = await vaultCompany();
  const outside = [...placesOutside(), googlePlace(() => opened(world).cloud)];
  const closers: (() => Promise<void>)[] = [() => vault.close()];
  let places: readonly Place[] = outside;
  let world: PreparedWorld | undefined;
  let traffic: Traffic | undefined;
  let programs: Awaited<ReturnType<typeof startPrograms>> | undefined;
  const hosts: Record<string, number> = {};
  const secrets: Record<string, string> = { [copySecret]: "{}" };
  for (const { name, apis, token } of outside) {
    if (token !== undefined) secrets[tokenName(name)] = token;
    for (const { host, handle } of apis) {
      const { origin, close } = await listenFake(handle);
      closers.push(close);
      hosts[host] = Number(new URL(origin).port);
    }
  }

  const own: Own = {
    ...vault.own,
    hosts,
    byHand: {
      secrets,
      deployment(arns) {
        places = [...outside, copyPlace(arns[copySecret] ?? "", () => opened(world).cloud)];
        const listed = places.map(({ name, kind, settings, token }) => {
          const named = token === undefined ? {} : { token: arns[tokenName(name)] };
          return [name, { kind, ...parsedSettings(kind, { ...settings, ...named }) }] as const;
        });
        return { ...vault.own.byHand?.deployment({}), destinations: Object.fromEntries(listed) };
      },
    },
    consumerLines: consumerLines([...outside.map(({ name }) => name), "reports"]),
    async prepare(prepared) {
      world = prepared;
      await vault.own.prepare?.(prepared);
      for (const place of places) await place.put(prepared.key);
      traffic = startTraffic(places, prepared.call);
    },
  };
  return {
    own,
    places: () => places,
    async startPrograms() {
      programs = await startPrograms(opened(world), own.env ?? {});
    },
    tally: () => sumOf([traffic?.tally() ?? none, programs?.tally() ?? none]),
    restarts: () => programs?.restarts() ?? { hosts: 0, restarted: 0, mostAtOnce: 0 },
    async close() {
      await traffic?.stop();
      await programs?.stop();
      for (const close of closers.reverse()) await close();
    },
  };
}

/** As the deployment's own file would be read. */
function parsedSettings(kind: string, given: Readonly<Record<string, unknown>>) {
  return destinationKinds[kind]?.settings.parse(given) as Readonly<Record<string, unknown>>;
}

/** What was put there by hand is taken over: most places never show their values, so nobody could tell whose it is. */
function consumerLines(names: readonly string[]): readonly string[] {
  const copies = names.map(
    (name) =>
      `      - { name: shop-${name}, maxStale: 3s, copies: [{ to: ${name}, as: ${copyName}, takeOver: true }] }`,
  );
  const programs = Object.entries(programConsumers).map(
    ([kind, name]) => `      - { name: ${name}, evidence: [${kind}], maxStale: 20s }`,
  );
  return [...copies, ...programs];
}

function opened(world: PreparedWorld | undefined): PreparedWorld {
  if (world === undefined) throw new Error("the company is not open yet");
  return world;
}
