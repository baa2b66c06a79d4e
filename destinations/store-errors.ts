import {
  CopyRefused,
  InputInvalid,
  ProviderUnavailable,
  SecretUnusable,
  StoreUnavailable,
  VersionMoved,
} from "../core/errors.ts";

/** The store's errors in a destination's words: what passes is tried again, what does not is a refusal. */
export async function asDestination<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    const isRefusal = [SecretUnusable, InputInvalid, VersionMoved].some((Kind) => error instanceof Kind);
    if (isRefusal && error instanceof Error) throw new CopyRefused(error.message);
    if (error instanceof StoreUnavailable) throw new ProviderUnavailable(error.message);
    throw error;
  }
}
