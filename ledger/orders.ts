import type { RotationId, TableKey } from "../core/ports.ts";
import type { StopOrder } from "../core/rotation/stop-order.ts";
import type { Documents } from "./documents.ts";

/** What people told Rekey to do, and who they are. */
export function ordersIn(at: Documents) {
  return {
    stops: () => at.all<StopOrder>({ kind: "STOP", id: "all" }),
    putStop: (stop: StopOrder) => at.write(stopKey(stop.scope), stop),
    removeStop: (scope: string) => at.remove(stopKey(scope)),

    /** What people were told of ordinary rotations, so that each state is told once. */
    told: () => at.all<Told>({ kind: "TOLD", id: "all" }),
    putTold: (told: Told) => at.write(toldKey(told.id), told),
    removeTold: (id: string) => at.remove(toldKey(id)),

    /** By audit log, the newest entry that the collector has. */
    pushed: () => at.all<Pushed>({ kind: "PUSHED", id: "all" }),
    putPushed: (pushed: Pushed) => at.write(pushedKey(pushed.chain), pushed),

    /** The AWS principal that asked for a rotation; undefined for one that a schedule started. */
    asker: async (rotationId: RotationId) => (await at.read<{ by: string }>(askerKey(rotationId)))?.by,
    /** The first stays: a repeat of the request by somebody else starts nothing. */
    putAsker: (rotationId: RotationId, by: string) =>
      at.change<{ by: string }>(askerKey(rotationId), (stored) => stored ?? { by }),
  };
}

export interface Told {
  readonly id: string;
  readonly atMs: number;
}

export interface Pushed {
  readonly chain: string;
  readonly seq: number;
}

const pushedKey = (chain: string): TableKey => ({ kind: "PUSHED", id: "all", sort: chain });
const toldKey = (id: string): TableKey => ({ kind: "TOLD", id: "all", sort: id });
const stopKey = (scope: string): TableKey => ({ kind: "STOP", id: "all", sort: scope });
const askerKey = (rotationId: RotationId): TableKey => ({ kind: "ASKER", id: rotationId, sort: "by" });
