import { type DestinationKind, environmentNameMistake, exampleToken, parseSettings } from "../destination.ts";
import { herokuSettings } from "./settings.ts";

/** Config vars of a Heroku app. */
export const heroku: DestinationKind = {
  kind: "heroku",
  title: "Heroku",
  capabilities: { activation: "restart", proof: "read-back", compareAndSwap: "none", marks: "value" },
  settings: herokuSettings,
  nameMistake: environmentNameMistake,
  hosts: (settings) => [new URL(parseSettings(herokuSettings, settings).origin).host],
  docs: {
    about:
      "A config var of one app. The write itself makes a release and restarts every dyno; Rekey waits until that release, or a newer one, has succeeded.",
    binding:
      "The app is named by its id, and has to have a config var `REKEY_ENVIRONMENT` with the deployment's stage, which is read before each write.",
    limits: [
      "Whoever may read the app's config vars, or one of its earlier releases, can read the key.",
      "A roll-back of a release brings the value of that time back: Rekey sees that at the gate and in the sweep.",
      "With preboot the former dynos run on for some minutes: `maxStale` has to cover them.",
    ],
    needs: "an authorization with the scopes `read-protected` and `write-protected` for that app",
    example: { kind: "heroku", token: exampleToken, app: "01234567-89ab-cdef-0123-456789abcdef" },
  },
  adapter: () => import("./adapter.ts"),
};
