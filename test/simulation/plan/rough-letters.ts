import type { KeyId } from "../../../core/ports.ts";
import type { WatchedSecret } from "../rules/witness.ts";
import type { Letter, Simulated } from "../run/simulated.ts";
import type { ChangedAlert, RoughOrder, RoughOutside } from "./rough-outside.ts";

/** The leaked key, once somebody has it. */
export interface LeakedNow {
  readonly secret: WatchedSecret;
  readonly text: string;
  readonly keyId: KeyId;
}

export function roughlyOutside(simulation: Simulated, plan: RoughOutside, leaked: LeakedNow): void {
  const later = (atMs: number, work: () => Promise<unknown>) =>
    setTimeout(() => {
      if (simulation.watch.violations.length > 0) return;
      work().catch((error) => simulation.watch.violate("harness", String(error?.stack ?? error)));
    }, atMs);
  const { swollen, changing, orders } = plan;
  if (swollen !== undefined)
    for (const name of ["first", "second"])
      later(swollen.afterMs, () => simulation.outside.send(swollenLetter(name, swollen, leaked)));
  for (const alert of changing)
    later(alert.afterMs, () => simulation.outside.send(changedLetter(alert, leaked)));
  for (const order of orders) later(order.afterMs, () => give(simulation, order, leaked));
}

function swollenLetter(
  name: string,
  { count, placeBytes }: NonNullable<RoughOutside["swollen"]>,
  { text }: LeakedNow,
): Letter {
  const alerts = Array.from({ length: count }, (_, nth) => ({
    ...{ id: `swollen-${name}-${nth}`, key: text, exposure: "public", verified: "live" },
    where: Array.from(
      { length: 8 },
      (_unused, at) => `https://example.com/${name}/${nth}/${at}/${"x".repeat(placeBytes)}`,
    ),
  }));
  return { source: "report", body: JSON.stringify({ alerts }) };
}

function changedLetter({ exposure, verified }: ChangedAlert, { text }: LeakedNow): Letter {
  const alert = { id: "changing", key: text, exposure, verified };
  return { source: "report", body: JSON.stringify({ alerts: [alert] }) };
}

async function give(simulation: Simulated, { by, command }: RoughOrder, leaked: LeakedNow): Promise<void> {
  const { watch, outside } = simulation;
  const reason = "they read of it";
  if (command === "compromise") {
    const { secretArn } = leaked.secret;
    const order = { command, secret: secretArn, keyId: leaked.keyId, exposure: "public", reason };
    const said = await outside.order(order, by);
    if (said?.["outcome"] === "reported") watch.ordered.push({ keyId: leaked.keyId, atMs: Date.now() });
    return;
  }
  const open = [...watch.incidents.values()].find(({ keys }) =>
    keys.some(({ keyId }) => keyId === leaked.keyId),
  );
  if (open === undefined) return;
  await outside.order({ command, incident: open.incidentId, reason }, by);
}
