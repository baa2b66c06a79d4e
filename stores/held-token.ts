/** The token of one process: whoever asks while a login is under way waits for that login. */
export interface HeldToken {
  get(): Promise<string>;
  /** The store refused the token before its end: the next `get` logs in. */
  refused(): void;
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
  const hold = (next: Promise<Token>): Promise<Token> => {
    held = next;
    next.catch(() => {
      if (held === next) held = undefined;
    });
    return next;
  };
  return {
    async get() {
      const token = await (held ?? hold(login()));
      return isDue(token) ? (await hold(renew(token))).text : token.text;
    },
    refused() {
      held = undefined;
    },
  };
}

/** A token may have been revoked before its end: then one new login is tried. */
export async function withToken<Reply extends { readonly status: number }>(
  { token, refusedWith }: { readonly token: HeldToken; readonly refusedWith: number },
  send: (token: string) => Promise<Reply>,
): Promise<Reply> {
  const first = await send(await token.get());
  if (first.status !== refusedWith) return first;
  token.refused();
  return send(await token.get());
}
