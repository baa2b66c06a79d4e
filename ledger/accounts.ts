import type { TableKey } from "../core/ports.ts";
import type { AccountFailures, AccountUse } from "../core/provider-account.ts";
import type { Documents } from "./documents.ts";

/** What all rotations together ask of each provider account, and how their last ones ended. */
export function accountsIn(at: Documents) {
  return {
    changeAccount: (account: string, change: (use: AccountUse) => AccountUse) =>
      at.change<AccountUse>(useKey(account), (stored) => change(stored ?? {})),

    accountFailures: (account: string) => at.read<AccountFailures>(failuresKey(account)),
    changeAccountFailures: (account: string, change: (stored: AccountFailures) => AccountFailures) =>
      at.change<AccountFailures>(failuresKey(account), (stored) => change(stored ?? { runs: [] })),
  };
}

const useKey = (account: string): TableKey => ({ kind: "ACCOUNT", id: account, sort: "use" });
const failuresKey = (account: string): TableKey => ({ kind: "ACCOUNT", id: account, sort: "failures" });
