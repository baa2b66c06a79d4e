import { SecretUnusable } from "../../core/errors.ts";
import type { SecretArn, SecretStore } from "../../core/ports.ts";
import type { AwsReach } from "../destination.ts";
import { noAws } from "../fake.ts";

/** Secrets of other places behind the store's own stand-in, with their tags. */
export function fakeSecrets(
  store: SecretStore,
  tags: Readonly<Record<SecretArn, Readonly<Record<string, string>>>>,
): AwsReach {
  return {
    ...noAws,
    secrets: () => store,
    tags: async (_place, secretArn) => {
      const known = tags[secretArn];
      if (known === undefined) throw new SecretUnusable(`${secretArn} does not exist`);
      return known;
    },
  };
}
