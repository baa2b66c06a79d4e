import type { InstanceEvidence } from "../../../core/adoption/evidence.ts";
import type { CopyNote } from "../../../core/copies/note.ts";
import type { IncidentRecord } from "../../../core/incident/record.ts";
import type { TableRecord } from "../../../core/ports.ts";
import type { SecretRecord } from "../../../core/rotation/secret-record.ts";
import type { HttpRequest } from "../../../providers/http.ts";
import { hasKeyMaterial } from "../world/key-material.ts";
import type { BoundaryCall, Invocation } from "../world/surroundings.ts";
import { callIsInBudget } from "./budget-rules.ts";
import { afterCampaign } from "./campaign-rules.ts";
import { copyWasNoted } from "./copy-rules.ts";
import { afterIncident, isClockStep, noteSweep } from "./incident-rules.ts";
import {
  afterAnswer,
  beforeAnswer,
  forgeryLeavesNothing,
  heardRightly,
  reportsAreTrue,
} from "./leak-rules.ts";
import { noteReturned } from "./letting-go.ts";
import { currentWasMoved } from "./outside-change-rules.ts";
import { notePublic, stateFits, whoTestifiesHoldsIt } from "./outside-rules.ts";
import { afterEffect, afterRecord, promotionIsTidy } from "./safety.ts";
import { type Instanced, placeOf, type WatchedSecret, Witness, wordsOf } from "./witness.ts";

interface Delivered {
  readonly environment: string;
  readonly event: { readonly account: string; readonly detail: { readonly instance: string } };
}

/** Looks at the world after every effect and compares it with the rules; the first violation is kept. */
export class Watch extends Witness {
  started(invocation: Invocation): void {
    beforeAnswer(this, invocation);
    this.lives.set(invocation.id, {
      invocation,
      startedStep: this.step,
      readCurrent: new Map(),
      askedUse: new Map(),
      retryAtMs: undefined,
    });
  }

  ended(invocation: Invocation, end: { readonly output: string } | { readonly error: unknown }): void {
    const { id, functionName } = invocation;
    const said = "output" in end ? end.output : wordsOf(end.error);
    if (functionName === "promote-version" && "output" in end) promotionIsTidy(this, invocation);
    if (hasKeyMaterial(said)) this.violate("S6", `${functionName} lets key material out in its answer`);
    if ("output" in end) this.world.places?.functionEnded(id);
    this.tell(`#${id} ${functionName} ends: ${said.slice(0, 160)}`);
    if ("error" in end) stateFits(this, invocation, end.error);
    if (functionName === "record-evidence" && "output" in end) this.#heard(invocation, end.output);
    if ("output" in end) afterAnswer(this, invocation, end.output);
    if (functionName === "sweep" && "output" in end) noteSweep(this, invocation, end.output);
    const retryAtMs = this.lives.get(id)?.retryAtMs;
    const isThrottled =
      "error" in end && end.error instanceof Error && end.error.name === "ProviderThrottled";
    if (isThrottled && retryAtMs !== undefined && this.world.time.nowMs() < retryAtMs)
      this.violate("L5", `${functionName} fails before the provider's Retry-After is over`);
  }

  /** What an instance reported has arrived, also where it was taken for nobody's: a revoke has to know of it. */
  #heard({ input }: Invocation, output: string): void {
    if (!output.includes("unknownSecret")) return;
    const { environment, event } = input as Delivered;
    const place = { environment, account: event.account, instance: event.detail.instance };
    const all = [...this.secrets.values()].flatMap(({ instances }) => instances);
    const isGenuine = all.some(
      ({ id, consumer }) => id === place.instance && consumer.environment === environment,
    );
    if (isGenuine) this.known.add(placeOf(place));
  }

  before(call: BoundaryCall): void {
    reportsAreTrue(this);
    this.called = call;
    this.step += 1;
    const { port, operation } = call;
    if (port === "store" && call.changes) this.isStoreStale = true;
    if (call.changes)
      this.tell(`#${call.invocation.id} ${call.invocation.functionName} ${port} ${operation}`);
    if (port === "provider") this.#askedProvider(call);
    callIsInBudget(this, call);
    if (port === "store" && operation === "read" && call.given[1] === undefined)
      this.lives.get(call.invocation.id)?.readCurrent.set(String(call.given[0]), this.step);
  }

  #askedProvider({ invocation, operation, given }: BoundaryCall): void {
    const asked = /^GET \S+\/api_keys\/([^/?]+)$/.exec(operation)?.[1];
    if (asked !== undefined) this.lives.get(invocation.id)?.askedUse.set(asked, this.world.time.nowMs());
    const { headers } = given[0] as HttpRequest;
    const credential = headers["api-key"] ?? (headers["authorization"] ?? "").replace("Bearer ", "");
    this.lastProbed = this.keyIds.get(credential);
  }

  after(call: BoundaryCall): void {
    // A look at the ledger or the store in the same millisecond leaves the world as the last step left it.
    const isUnchanged = !call.changes && call.port !== "provider" && this.lookedAtMs === Date.now();
    if (!isUnchanged) {
      this.look();
      afterEffect(this, call);
    }
    this.called = undefined;
  }

  /** Called inside the table's own write, so it sees every state that the item was ever in. */
  wrote({ kind, id, body }: TableRecord): void {
    if (kind === "EVIDENCE" && "instance" in (body as object) && !("unproven" in (body as object)))
      this.known.add(placeOf(body as Instanced));
    if (kind === "EVIDENCE") noteReturned(this, body as InstanceEvidence);
    if (kind === "EVIDENCE") whoTestifiesHoldsIt(this, id, body as object);
    if (kind === "INCIDENT" && id === "all") this.#wroteIncident(body as IncidentRecord);
    if (kind === "CAMPAIGN") afterCampaign(this, { id, body });
    if (kind === "COPY") copyWasNoted(this, body as CopyNote);
    forgeryLeavesNothing(this, kind);
    if (kind !== "SECRET") return;
    const next = body as SecretRecord;
    const secret = this.secrets.get(next.secretArn);
    if (secret === undefined) return;
    const before = secret.record;
    for (const { name } of next.keys) this.intended.add(name);
    secret.record = next;
    if (before !== undefined) afterRecord(this, { secret, before, next });
  }

  #wroteIncident(next: IncidentRecord): void {
    const before = this.incidents.get(next.incidentId);
    this.incidents.set(next.incidentId, next);
    afterIncident(this, { before, next });
    heardRightly(this, { before, next });
    notePublic(this, next);
  }

  note(call: BoundaryCall, fault: string): void {
    const { invocation, port, operation } = call;
    const incidentId = (invocation.input as { readonly incidentId?: string } | undefined)?.incidentId;
    if (incidentId !== undefined && isClockStep(call)) this.incidentFacts(incidentId).clockFaults += 1;
    this.tell(`#${invocation.id} ${invocation.functionName} ${port} ${operation} !${fault}`);
  }

  protected override movedDuringCall(secret: WatchedSecret, before: WatchedSecret["current"]): void {
    currentWasMoved(this, { secret, before });
  }
}
