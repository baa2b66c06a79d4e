/**
 * A reference is the secret's full ARN. Its last six characters are AWS's own: without them, or by name, it could
 * resolve to another secret that is made later.
 */
const anyArn = /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]{1,519}$/;
const fullArn = /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]{1,512}-[A-Za-z0-9]{6}$/;

export function isReference(text: string): boolean {
  return anyArn.test(text);
}

export function referenceMistake(text: string): string | undefined {
  if (fullArn.test(text)) return undefined;
  return anyArn.test(text)
    ? "this ARN lacks the six characters that AWS puts behind the name: aws secretsmanager describe-secret shows it"
    : "this is not the full ARN of a secret: aws secretsmanager describe-secret shows it";
}

/**
 * A replica has its primary's ARN but for the Region, also the six characters behind the name, which AWS draws for
 * each secret: two secrets that are not replicas of each other have different ones.
 */
export function isCopyOf(copy: string, reference: string): boolean {
  return copy !== reference && fullArn.test(copy) && withoutRegion(copy) === withoutRegion(reference);
}

function withoutRegion(arn: string): string {
  const [prefix, partition, service, , ...rest] = arn.split(":");
  return [prefix, partition, service, ...rest].join(":");
}

export function inRegion(arn: string, region: string): string {
  return arn.split(":").with(3, region).join(":");
}

export function regionOf(arn: string): string {
  return arn.split(":")[3] ?? "";
}
