import type { DestinationKind } from "./destination.ts";
import { githubActions } from "./github-actions/index.ts";
import { kubernetesSecret } from "./kubernetes-secret/index.ts";
import { secretsManagerCopy } from "./secrets-manager/index.ts";
import { vercel } from "./vercel/index.ts";

/** Every kind of place that a deployment may list, one line each. */
const kinds: readonly DestinationKind[] = [githubActions, kubernetesSecret, secretsManagerCopy, vercel];

export const destinationKinds: Readonly<Record<string, DestinationKind>> = Object.fromEntries(
  kinds.map((kind) => [kind.kind, kind]),
);
