import { type DestinationKind, environmentNameMistake, exampleToken, parseSettings } from "../destination.ts";
import { cloudflareWorkersSettings } from "./settings.ts";

/** Secrets of a Cloudflare Worker. */
export const cloudflareWorkers: DestinationKind = {
  kind: "cloudflare-workers",
  title: "Cloudflare Workers",
  capabilities: { activation: "live", proof: "version", compareAndSwap: "none", marks: "place" },
  settings: cloudflareWorkersSettings,
  nameMistake: environmentNameMistake,
  hosts: (settings) => [new URL(parseSettings(cloudflareWorkersSettings, settings).origin).host],
  docs: {
    about:
      "A secret of one Worker. The write makes a version of the script and deploys it at once; Rekey waits until every deployed version is that one or a newer one.",
    binding:
      "The script has to have a plain-text variable `REKEY_ENVIRONMENT` with the deployment's stage, which is read before each write: a missing `--env` once wrote a key to the wrong Worker.",
    limits: [
      "Cloudflare never shows a value again. A change is noticed by the newest version that a change of a secret made, so a change of another secret of the same Worker shows as a change of this one, and one Worker gets one copy.",
      "A gradual deployment that still serves an older version is waited for, and so is a roll-back.",
      "While the newest version is not the deployed one Cloudflare refuses the write, so Rekey refuses the copy before a key is made: deploy that version, or take it back.",
    ],
    needs: "an API token with `Workers Scripts: Edit` for that account",
    example: {
      kind: "cloudflare-workers",
      token: exampleToken,
      account: "0123456789abcdef0123456789abcdef",
      script: "shop-production",
    },
  },
  adapter: () => import("./adapter.ts"),
};
