import type { DestinationKind } from "../destination.ts";
import { secretsManagerSettings } from "./settings.ts";

/** Another secret of AWS Secrets Manager. */
export const secretsManagerCopy: DestinationKind = {
  kind: "secrets-manager",
  title: "Another AWS Secrets Manager secret",
  capabilities: { activation: "live", proof: "read-back", compareAndSwap: "native", marks: "value" },
  settings: secretsManagerSettings,
  nameMistake: (name) =>
    /^[^\p{C}]{1,256}$/u.test(name) ? undefined : "the name of a JSON field has 1 to 256 characters here",
  hosts: () => [],
  docs: {
    about:
      "One field of another secret's JSON, or its whole value, in any account and Region. Whoever reads that secret has the copy at the next read, so it counts once every cache has expired (`maxStale`).",
    binding:
      "The secret has to carry the tag `Environment` with the deployment's stage. Without it IAM refuses the write too.",
    limits: [
      "A secret without any value is refused: put `{}` into it first.",
      "For another Region of the same account, Secrets Manager's own replication needs no copy at all.",
    ],
    needs:
      "`DescribeSecret`, `GetSecretValue`, `PutSecretValue` and `UpdateSecretVersionStage` on that secret; for another account a role there that trusts Rekey's `write-copies`, `check-copies` and the functions that ask for adoption",
    example: {
      kind: "secrets-manager",
      secret: "arn:aws:secretsmanager:us-east-1:444455556666:secret:shop/openai-AbCdEf",
      role: "arn:aws:iam::444455556666:role/rekey-copies",
    },
  },
  adapter: () => import("./adapter.ts"),
};
