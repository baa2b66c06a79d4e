import type { ProviderPolicy } from "../core/policy.ts";
import { isLoopbackAddress } from "./loopback.ts";
import type { ProviderKind } from "./provider.ts";

/** What the deployment says about where credentials may be sent; a policy file cannot add to it. */
export interface AllowedHosts {
  /** Exact names, with the port where it is not 443: "gateway.example.com" covers no other name under it. */
  readonly providerHosts: readonly string[];
  /** Stand-ins on loopback. */
  readonly allowLoopback: boolean;
}

/** The hosts that these settings would send admin credentials and keys to and that nobody has allowed. */
export function hostsNotAllowed(
  kind: Pick<ProviderKind, "hosts" | "defaultHosts">,
  settings: ProviderPolicy["settings"],
  { providerHosts, allowLoopback }: AllowedHosts,
): readonly string[] {
  const { defaultHosts } = kind;
  const own = typeof defaultHosts === "function" ? defaultHosts(settings) : defaultHosts;
  const allowed = new Set([...own, ...providerHosts]);
  return kind.hosts(settings).filter((host) => !allowed.has(host) && !(allowLoopback && isLoopback(host)));
}

function isLoopback(host: string): boolean {
  const { hostname } = new URL(`http://${host}`);
  return hostname === "localhost" || isLoopbackAddress(hostname.replace(/^\[|\]$/g, ""));
}
