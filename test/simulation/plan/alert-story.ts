import type { Alert } from "../../../events/alert.ts";

/** An alert as a story tells it: what it leaves out is a live key in a public place. */
export interface AlertStory extends Partial<Omit<Alert, "schema">> {
  readonly receivedAtMs?: number;
  readonly kind?: "start" | "append";
}

/** As the intake puts it on the bus. */
export function raisedAlert(story: AlertStory, nowMs: number) {
  const { receivedAtMs = nowMs, kind = "start", ...facts } = story;
  return { alert: alertFrom(facts), kind, intake: facts.source ?? "trufflehog", receivedAtMs };
}

function alertFrom({
  identity = { kind: "location", url: "https://example.com/somewhere" },
  ...facts
}: Partial<Omit<Alert, "schema">>): Alert {
  return {
    ...{
      schema: 1,
      source: "trufflehog",
      sourceId: "finding-1",
      exposure: "public",
      verified: "live",
      where: [],
    },
    ...facts,
    identity,
  };
}
