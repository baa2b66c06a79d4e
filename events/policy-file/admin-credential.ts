import { durationText } from "../../core/duration.ts";
import { adminQuietMs } from "../../core/own-credential.ts";
import type { Policy, ProviderPolicy } from "../../core/policy.ts";
import type { Mistake } from "./block.ts";

/** Whether a kind's keys may be the credential that Rekey itself works with, or why not. */
export type OwnCredential = "rotated" | { readonly whyNot: string };

interface Declared {
  readonly policies: readonly Policy[];
  readonly providers: readonly ProviderPolicy[];
  ownCredentialOf(kind: string): OwnCredential | undefined;
}

/**
 * A secret with an admin credential may only be rotated as one: any other rotation would lock Rekey out. And only a
 * secret that is one may be: nobody but Rekey's own functions is waited for.
 */
export function adminCredentialMistakes(declared: Declared): readonly Mistake[] {
  const admins = new Map(
    declared.providers.flatMap(({ adminCredential, account }) =>
      adminCredential === undefined ? [] : [[adminCredential, account] as const],
    ),
  );
  return declared.policies.flatMap((policy) => {
    const account = admins.get(policy.secretArn);
    const why =
      policy.isAdminCredential === true
        ? whyNotRotated(policy, declared)
        : account !== undefined && lockedOut(`the admin credential of ${account}`);
    return why
      ? [{ path: ["secrets", policy.name, ...why.path], part: "value" as const, message: why.message }]
      : [];
  });
}

interface Why {
  readonly path: readonly string[];
  readonly message: string;
}

/** `what` is the admin credential that the secret holds. */
export function lockedOut(what: string): Why {
  const message = `this is ${what}: Rekey would lock itself out, unless the secret has \`consumers: rekey\``;
  return { path: ["arn"], message };
}

function whyNotRotated(policy: Policy, { ownCredentialOf }: Declared): Why | undefined {
  const { secretArn, provider, field, quietMs } = policy;
  const own = ownCredentialOf(provider.kind);
  if (own !== "rotated") {
    const why = own?.whyNot ?? "a person replaces it";
    return {
      path: ["provider"],
      message: `Rekey does not rotate its own credentials at ${provider.kind}: ${why}`,
    };
  }
  if (provider.adminCredential !== secretArn) {
    const message = `with \`consumers: rekey\` the secret is the \`adminCredential\` of ${provider.account} itself, which it is not`;
    return { path: ["consumers"], message };
  }
  if (field !== undefined)
    return { path: ["field"], message: "an admin credential is the whole text of its secret" };
  if (quietMs >= adminQuietMs) return undefined;
  const message = `Rekey's own functions may work with the former credential for ${durationText(adminQuietMs)}: quiet has to be at least that`;
  return { path: ["quiet"], message };
}
