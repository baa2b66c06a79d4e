import type { RekeyEvent } from "../../../core/ports.ts";
import { published } from "../../../events/published.ts";

/** Other people's rules listen to these events: what is not documented is not published. */
export function assertPublished({ type, secretArn, detail }: RekeyEvent): void {
  if (!Object.hasOwn(published, type)) throw new Error(`events/published.ts knows no ${type}`);
  const { detail: schema } = published[type as keyof typeof published];
  const checked = schema.safeParse(
    JSON.parse(JSON.stringify(secretArn === undefined ? detail : { ...detail, secretArn })),
  );
  if (!checked.success) throw new Error(`${type} is not as documented: ${checked.error.message}`);
}
