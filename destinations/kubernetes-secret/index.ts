import { type DestinationKind, exampleToken, parseSettings } from "../destination.ts";
import { kubernetesSecretSettings } from "./settings.ts";

/** One entry of a Kubernetes Secret. */
export const kubernetesSecret: DestinationKind = {
  kind: "kubernetes-secret",
  title: "Kubernetes Secret",
  capabilities: { activation: "restart", proof: "read-back", compareAndSwap: "native", marks: "value" },
  settings: kubernetesSecretSettings,
  nameMistake: (name) =>
    /^[\w.-]{1,116}$/.test(name) ? undefined : "an entry's name has up to 116 letters, digits, _, . and -",
  hosts: (settings) => [new URL(parseSettings(kubernetesSecretSettings, settings).api).host],
  docs: {
    about:
      "One entry of a Secret, written by server-side apply. Pods read variables when they start, so Rekey restarts what the deployment lists (an annotation with the version's id on the pod template) and waits until every pod is of that rollout.",
    binding:
      "The namespace has to carry the label `rekey/environment` with the deployment's stage, which is read before each write.",
    limits: [
      "An entry that another tool owns (External Secrets, Helm, Argo CD) is refused by its name: let that tool bring the key.",
      "An immutable Secret is refused.",
      "A tool that restarts pods on every change of a Secret (Reloader) would restart them a second time: switch it off there.",
    ],
    needs:
      "a service account that may `get` the namespace, `get`, `create` and `patch` the Secret, and `get` and `patch` the workloads",
    example: {
      kind: "kubernetes-secret",
      token: exampleToken,
      api: "https://k8s.example.com",
      namespace: "shop",
      secret: "openai",
      restart: ["deployments/worker"],
    },
  },
  adapter: () => import("./adapter.ts"),
};
