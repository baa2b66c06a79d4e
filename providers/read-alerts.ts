import type { Alert, AlertOutcome } from "../events/alert.ts";
import type { IntakeSource, RawRequest } from "../events/intake/edge/source.ts";
import { issuers } from "./index.ts";
import { withIssuerNames } from "./issuer-name.ts";
import { keySearch } from "./key-text.ts";

const search = keySearch(issuers.flatMap(({ keyTexts }) => keyTexts.filter(({ isId }) => isId !== true)));

/** Every key in a text that looks like one of a known issuer. Ids that people may see are not keys. */
export function issuedKeysIn(text: string): readonly string[] {
  return search(text).map(({ text: key }) => key);
}

/** What a report says: no key in any of its texts, and issuers under the names that policies use. */
export function readAlerts(source: IntakeSource, { body, headers }: RawRequest): AlertOutcome {
  return withIssuerNames(source.parse(body, headers, issuedKeysIn));
}

/** An alert with what was read at its address; unchanged if its source has no addresses. */
export function readFetched(source: IntakeSource, alert: Alert, body: Uint8Array): AlertOutcome {
  const asPushed: AlertOutcome = { start: [alert], append: [], ignored: [] };
  return withIssuerNames(source.parseFetched?.(alert, body, issuedKeysIn) ?? asPushed);
}
