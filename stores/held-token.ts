/** The token of one process: whoever asks while a login is under way waits for that login. */
export interface HeldToken {
  get(): Promise<string>;
  /** The store refused this token before its end: the next `get` logs in, if nobody has yet. */
  refused(token: string): void;
}

export interface Logins<Token> {
  login(): Promise<Token>;
  isDue(token: Token): boolean;
  /** What replaces a token that is due; without it a new login. */
  renew?(token: Token): Promise<Token>;
}

export function heldToken<Token extends { readonly text: string }>(logins: Logins<Token>): HeldToken {
  const { login, isDue, renew = login } = logins;
  let held: Promise<Token> | undefined;
  let text: string | undefined;
  const hold = (next: Promise<Token>): Promise<Token> => {
    held = next;
    text = undefined;
    const settled = (known: string | undefined) => {
      if (held !== next) return;
      text = known;
      if (known === undefined) held = undefined;
    };
    next.then(
      (token) => settled(token.text),
      () => settled(undefined),
    );
    return next;
  };
  return {
    async get() {
      const seen = held ?? hold(login());
      const token = await seen;
      if (!isDue(token)) return token.text;
      // Whoever asked at the same time may have replaced it already.
      const next = held === undefined || held === seen ? hold(renew(token)) : held;
      return (await next).text;
    },
    refused(token) {
      if (token === text) held = undefined;
    },
  };
}

/** A token may have been revoked before its end: then one new login is tried. */
export async function withToken<Reply extends { readonly status: number }>(
  { token, refusedWith }: { readonly token: HeldToken; readonly refusedWith: number },
  send: (token: string) => Promise<Reply>,
): Promise<Reply> {
  const text = await token.get();
  const first = await send(text);
  if (first.status !== refusedWith) return first;
  token.refused(text);
  return send(await token.get());
}
