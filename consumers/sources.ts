import { ecsPlatform } from "./ecs.ts";
import { kubernetesPlatform } from "./kubernetes.ts";
import { lambdaPlatform } from "./lambda.ts";
import type { EvidenceSource } from "./ports.ts";
import type { Reach } from "./reach.ts";
import { restartSource } from "./restarts.ts";

/** Sources that have to be asked, one line each. Reports, access records and attestations arrive by themselves. */
export function evidenceSources(options: {
  readonly reach: Omit<Reach, "sqs">;
  /** Targets that the deployment lists. Kubernetes is asked about no others. */
  readonly allowed: readonly string[];
}): readonly EvidenceSource[] {
  const { reach, allowed } = options;
  return [
    restartSource(ecsPlatform(reach.ecs)),
    restartSource(lambdaPlatform(reach.lambda)),
    restartSource(kubernetesPlatform({ ...reach, allowed })),
  ];
}
