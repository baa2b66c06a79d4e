/** Whether a stand-in trusts this AWS principal; `*` at the end of `trusted` stands for anything. */
export function isPrincipal(who: string | undefined, trusted: string): boolean {
  if (who === undefined) return false;
  return trusted.endsWith("*") ? who.startsWith(trusted.slice(0, -1)) : who === trusted;
}
