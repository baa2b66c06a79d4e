/** The labels that people, the console and every SDK use for current, pending and previous. */
export const currentLabel = "AWSCURRENT";
export const pendingLabel = "AWSPENDING";
export const previousLabel = "AWSPREVIOUS";
/**
 * Attached by the put itself. With AWSPENDING, PutSecretValue would silently take the label from another
 * rotation; nobody else uses this label.
 */
export const incomingLabel = "REKEY_INCOMING";
/** Once AWSCURRENT has left a version, only a label keeps it, and the key in it, from being deleted. */
export const retiringLabel = "REKEY_RETIRING";
