import { SecretUnusable } from "../../core/errors.ts";
import type { SecretArn, SecretMaker } from "../../core/ports.ts";
import type { MemoryStore } from "../../stores/secrets-manager/fake.ts";
import { currentLabel } from "../../stores/secrets-manager/label-names.ts";

/** Makes secrets in a store in memory; `arnOf` gives a new one's reference. */
export function memoryMaker(store: MemoryStore, arnOf: (name: string) => SecretArn): SecretMaker {
  const made = new Map<string, { readonly secretArn: SecretArn; readonly issueId: string }>();
  return {
    find: async (name) => made.get(name),
    async make({ name, issueId, versionId, text }) {
      const secretArn = arnOf(name);
      const known = made.get(name);
      if (known === undefined) {
        store.create(secretArn);
        made.set(name, { secretArn, issueId });
        await store.put({ secretArn, versionId, text, labels: [currentLabel] });
        return secretArn;
      }
      if (known.issueId !== issueId) throw new SecretUnusable(`a secret called ${name} is there already`);
      store.setCurrent(secretArn, text.reveal(), versionId);
      return secretArn;
    },
  };
}
