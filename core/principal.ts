/** Who it was, without the account. A session's name alone may mean nothing, so its role is shown too. */
export function shortName(principal: string): string {
  const [, role, session] = /:assumed-role\/([^/]+)\/(.+)$/.exec(principal) ?? [];
  return role === undefined ? principal.slice(principal.lastIndexOf("/") + 1) : `${session} as ${role}`;
}
