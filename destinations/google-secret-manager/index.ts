import { hostOf } from "../../stores/google-secret-manager/host.ts";
import { type DestinationKind, parseSettings } from "../destination.ts";
import { googleSecretManagerSettings } from "./settings.ts";

/** Secrets of a Google Cloud project. */
export const googleSecretManagerCopy: DestinationKind = {
  kind: "google-secret-manager",
  title: "Google Secret Manager",
  capabilities: { activation: "live", proof: "read-back", compareAndSwap: "native", marks: "value" },
  settings: googleSecretManagerSettings,
  nameMistake: (name) =>
    /^[\w-]{1,255}$/.test(name) ? undefined : "a secret's name has up to 255 letters, digits, _ and -",
  hosts(settings) {
    const { location } = parseSettings(googleSecretManagerSettings, settings);
    return [hostOf(location), "sts.googleapis.com", "iamcredentials.googleapis.com"];
  },
  docs: {
    about:
      "A secret of one project, or of one of its locations. The write adds a version and moves the alias `current` to it; whoever reads that alias (or `latest`) has the copy at the next read, so it counts once every cache has expired (`maxStale`).",
    binding:
      "The project, or the location, has to hold a secret called `REKEY_ENVIRONMENT` with the deployment's stage, which is read before each write.",
    limits: [
      "No key is stored: Google gives a token to the AWS role of the functions, through a workload identity pool.",
      "A change is noticed by the alias `current`: a version that somebody adds beside it is seen by readers of `latest` only, and by the sweep not at all.",
      "A secret that does not exist is made, with automatic replication, and nobody may read it yet: make it first where others need rights on it.",
      "Versions from before stay readable until you destroy them, the one that was `current` as `previous`.",
    ],
    needs:
      "`secretmanager.secrets.get`, `secretmanager.secrets.update`, `secretmanager.versions.add`, `secretmanager.versions.list` and `secretmanager.versions.access` for the pool's principal or the service account, and `secretmanager.secrets.create` where Rekey makes the secret",
    example: {
      kind: "google-secret-manager",
      project: "shop-production",
      audience:
        "//iam.googleapis.com/projects/123456/locations/global/workloadIdentityPools/aws-pool/providers/aws-main",
      serviceAccount: "rekey@shop-production.iam.gserviceaccount.com",
    },
  },
  adapter: () => import("./adapter.ts"),
};
