/** The longest name of an execution in Step Functions. */
const nameMax = 80;

/**
 * The name of a rotation's execution, which is also its `rotationId`: the secret's name, so that Step Functions' console
 * can be read, and `once`, which is the same when the same start is repeated.
 */
export function executionName(
  secretName: string,
  { once, onceLengthMax = once.length }: { readonly once: string; readonly onceLengthMax?: number },
): string {
  const room = nameMax - onceLengthMax - 1;
  const readable = secretName.replaceAll(/[^\w-]+/g, "-").slice(0, room);
  return `${readable}-${once}`;
}
