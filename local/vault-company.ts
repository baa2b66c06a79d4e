import type { Own } from "./demonstration.ts";
import { startVault, type VaultServer } from "./vault.ts";
import { account, region } from "./world.ts";

const path = "app/billing";
/** What Vault's role demands of a login, so that one that was signed for another server is refused. */
const serverId = "vault.acme.example";

/** A company that keeps its key in Vault: functions and programs log in with their AWS roles, and no stored secret. */
export interface VaultCompany {
  readonly own: Own;
  readonly vault: VaultServer;
  close(): Promise<void>;
}

export async function vaultCompany(): Promise<VaultCompany> {
  let cloudUrl = "";
  const vault = await startVault({ sts: () => cloudUrl });
  const { fake, url } = vault;
  fake.principal = `arn:aws:iam::${account}:role/*`;
  fake.serverId = serverId;
  const login = { method: "aws", mount: "aws", role: fake.roleId, serverId, region } as const;
  const own: Own = {
    byHand: {
      secrets: {},
      deployment: () => ({
        vaults: { main: { addresses: [url], mount: "secret", staging: "rekey", login } },
      }),
    },
    store: {
      name: "vault",
      put(key) {
        fake.create(path, JSON.stringify({ model: "gpt-fake", api_key: key, limit: 10 }));
        return `vault://main/${path}#api_key`;
      },
    },
    env: {
      VAULT_ADDR: url,
      REKEY_VAULT_LOGIN: "aws",
      REKEY_VAULT_ROLE: fake.roleId,
      REKEY_VAULT_AWS_SERVER_ID: serverId,
      REKEY_VAULT_AWS_REGION: region,
    },
    prepare: async ({ cloud }) => {
      cloudUrl = cloud.url;
    },
  };
  return { own, vault, close: () => vault.close() };
}
