export {
  AdminCredentialRefused,
  InputInvalid,
  MintOutcomeUnknown,
  NeedsHuman,
  PolicyInvalid,
  ProviderGarbled,
  ProviderThrottled,
  ProviderUnavailable,
  QuotaReached,
  RotationError,
  WrongProject,
} from "../core/errors.ts";
export type { ProviderFacts } from "../core/policy.ts";
export type {
  KeyId,
  KeyProvider,
  KeySettings,
  KeyUse,
  ListedKey,
  MintedKey,
  MintRequest,
  PropagationProfile,
  ProviderCapabilities,
  Shape,
  VerifyResult,
} from "../core/ports.ts";
export { Secret } from "../core/secret.ts";
export { type AdminApi, type AdminCall, type AdminDialect, adminApi, isOk } from "../providers/admin-api.ts";
export { boundedHttp, type Http, type HttpReply, type HttpRequest } from "../providers/http.ts";
export {
  deleteKey,
  type FoundItem,
  type Item,
  type KeyListing,
  keyListing,
  keyNameText,
  type Page,
  pathId,
} from "../providers/key-listing.ts";
export type { KeyText, UnmarkedKey } from "../providers/key-text.ts";
export {
  type AdminCredential,
  type ByHand,
  type ConnectOptions,
  type Issuer,
  type ProviderAdapter,
  type ProviderCalls,
  type ProviderDocs,
  type ProviderKind,
  type ProviderSettings,
  parseSettings,
  secretArnSetting,
} from "../providers/provider.ts";
export { lastUseOf, providerCalls } from "../providers/provider-calls.ts";
export { isHintOfOther, mayBe, printable, retryAfterMs } from "../providers/reply-text.ts";
export {
  baseUrlSetting,
  expiresInDaysSetting,
  expiryMs,
  hostsOf,
  idSetting,
  ownUrlSetting,
  propagationSetting,
  usualPropagation,
} from "../providers/settings.ts";
export {
  type Condition,
  type VerifyRow,
  type VerifyTable,
  verdictOf,
  verifyBy,
} from "../providers/verify-table.ts";
