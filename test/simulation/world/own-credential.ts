import { adminQuietMs } from "../../../core/own-credential.ts";
import type { Policy } from "../../../core/policy.ts";
import type { SecretArn } from "../../../core/ports.ts";
import { adoptCurrent } from "../../../core/rotation/secret-record.ts";
import { fingerprintOf } from "../../../events/fingerprint.ts";
import type { OpenAiFakeOptions } from "../../../providers/openai/fake.ts";
import { secretArnOf } from "./account.ts";
import { policyFor } from "./declared-policy.ts";
import { World } from "./world.ts";

export const ownArn = secretArnOf("rekey/admin/openai-main");
const times = { usageLagMs: 60_000, deadWindowMs: 20_000, probeEveryMs: 5_000 };

/** A world whose admin credential is itself under policy, and serves one other secret. */
export async function worldWithOwnCredential(provider: OpenAiFakeOptions = {}) {
  const world = new World({ provider });
  const { keyId, secret } = world.provider.addAdminKey();
  const versionId = world.store.create(ownArn, secret.reveal());
  // From here on only the keys of that secret open the Admin API.
  world.provider.replaceAdminKey("sk-admin-FAKE-that-nobody-has-0000");
  await world.secret({ policy: { provider: servedBy(ownArn) } });
  const policy = ownPolicy();
  await world.ledger.putPolicy(policy);
  const fingerprint = fingerprintOf(secret);
  await world.ledger.changeSecret(ownArn, (record) =>
    adoptCurrent(record, { name: "made by hand", state: "current", keyId, versionId, fingerprint }),
  );
  await world.ledger.putHolder({ fingerprint, secretArn: ownArn, versionId, keyId, role: "admin" });
  return { world, keyId, fingerprint };
}

function servedBy(adminCredential: SecretArn): Policy["provider"] {
  const { provider } = policyFor({
    name: "billing-key",
    secretArn: "none",
    consumers: [],
    propagation: times,
  });
  return { ...provider, adminCredential, settings: { ...provider.settings, adminCredential } };
}

function ownPolicy(): Policy {
  const like = policyFor({ name: "openai-admin", secretArn: ownArn, consumers: [], propagation: times });
  return {
    ...{ ...like, consumers: "none", isAdminCredential: true, signals: ["provider"], quietMs: adminQuietMs },
    provider: {
      ...{ account: "openai-admin", kind: "openai-admin", adminCredential: ownArn },
      settings: { adminCredential: ownArn, propagation: times },
    },
  };
}
