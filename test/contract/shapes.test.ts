import type { Shape } from "../../core/ports.ts";
import { exampleProvider } from "./example-provider.ts";
import { describeShape } from "./shape-contract.ts";

const shapes: readonly Shape[] = [
  { kind: "sideBySide" },
  { kind: "atMost", keys: 2 },
  { kind: "slots", idleIsFree: true },
  { kind: "clientSecret" },
  { kind: "rotateWithGrace", graceMs: 3_600_000 },
  { kind: "assisted" },
  { kind: "inPlace" },
  { kind: "federated" },
];

for (const shape of shapes) {
  describeShape("the example provider", shape, async () => {
    const world = exampleProvider(shape);
    const { provider, add, inject, advance, listed } = world;
    return {
      ...{ provider, inject, advance, listed },
      currentKey() {
        const keyId = shape.kind === "slots" ? (listed()[0] ?? "") : add().id;
        return { keyId, secret: world.textOf(keyId) };
      },
      disable: (keyId) => world.disable(keyId),
    };
  });
}
