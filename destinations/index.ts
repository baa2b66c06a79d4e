import { cloudflareWorkers } from "./cloudflare-workers/index.ts";
import type { DestinationKind } from "./destination.ts";
import { fly } from "./fly/index.ts";
import { githubActions } from "./github-actions/index.ts";
import { gitlabCi } from "./gitlab-ci/index.ts";
import { googleSecretManagerCopy } from "./google-secret-manager/index.ts";
import { heroku } from "./heroku/index.ts";
import { kubernetesSecret } from "./kubernetes-secret/index.ts";
import { lambdaEnvironment } from "./lambda-environment/index.ts";
import { parameterStore } from "./parameter-store/index.ts";
import { secretsManagerCopy } from "./secrets-manager/index.ts";
import { vercel } from "./vercel/index.ts";

/** Every kind of place that a deployment may list, one line each. */
const kinds: readonly DestinationKind[] = [
  cloudflareWorkers,
  fly,
  githubActions,
  gitlabCi,
  googleSecretManagerCopy,
  heroku,
  kubernetesSecret,
  lambdaEnvironment,
  parameterStore,
  secretsManagerCopy,
  vercel,
];

export const destinationKinds: Readonly<Record<string, DestinationKind>> = Object.fromEntries(
  kinds.map((kind) => [kind.kind, kind]),
);
