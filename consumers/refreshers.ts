import type { Refresher, Refreshers } from "./ports.ts";

/** The machine's Announce state is all that these consumers need. */
const announce: Refresher = {
  refresh: async () => ({ outcome: "nothingToDo", detail: "the announcement is enough" }),
};

/** Nobody but its owner can change this consumer; the gate waits for their word. */
const manual: Refresher = {
  refresh: async ({ consumer }) => ({
    outcome: "nothingToDo",
    detail: `${consumer.refresh.owner ?? "its owner"} switches ${consumer.name} and attests it`,
  }),
};

export function refreshers(_options: { readonly allowed: readonly string[] }): Refreshers {
  return {
    announce,
    manual,
    "ecs-deployment": announce,
    "lambda-recycle": announce,
    "kubernetes-restart": announce,
    "kubernetes-sync": announce,
    webhook: announce,
    sqs: announce,
  };
}
