import { BlockList, isIP } from "node:net";
import { isLoopbackAddress } from "./loopback.ts";

export type AddressRefusal = "NotAUrl" | "NotHttps" | "HasUserinfo" | "HostNotAllowed" | "PrivateAddress";

const URL_CHARS_MAX = 4096;
/** URL parsers drop or rewrite these characters: the called address could differ from the text that was reviewed. */
const AMBIGUOUS = /[\s\p{Cc}\p{Cf}\\]/u;

/**
 * Why a request must not go to `url`, or nothing. `allowHosts` holds hosts as `URL.host` prints them: a port
 * that is not the scheme's own is part of the name. `allowLoopback` is for stand-ins on loopback, over http.
 */
export function whyNotAddress(
  url: string,
  allowHosts: readonly string[],
  options: { readonly allowLoopback?: boolean } = {},
): AddressRefusal | undefined {
  if (url.length > URL_CHARS_MAX || AMBIGUOUS.test(url) || !URL.canParse(url)) return "NotAUrl";
  const { protocol, username, password, host, hostname } = new URL(url);
  const address = hostname.replace(/^\[|\]$/g, "");
  const isStandIn =
    options.allowLoopback === true && (isLoopbackAddress(address) || hostname === "localhost");
  if (protocol !== "https:" && !(protocol === "http:" && isStandIn)) return "NotHttps";
  if (username !== "" || password !== "" || /^[^/]*\/\/[^/?#]*@/.test(url)) return "HasUserinfo";
  if (!allowHosts.includes(host)) return "HostNotAllowed";
  if (isIP(address) !== 0 && isPrivateAddress(address) && !isStandIn) return "PrivateAddress";
  return undefined;
}

/** True for anything but a globally routed unicast address, also for text that is not an address. */
export function isPrivateAddress(ip: string): boolean {
  if (ip.includes("%")) return true;
  const family = isIP(ip);
  if (family === 4) return notPublic4.check(ip, "ipv4");
  if (family !== 6) return true;
  const translated = translated4(ip);
  if (translated !== undefined) return notPublic4.check(translated, "ipv4");
  return !globalUnicast6.check(ip, "ipv6") || notPublic6.check(ip, "ipv6");
}

/** The IPv4 address behind NAT64's prefix, through which an IPv6-only subnet reaches public IPv4 hosts. */
function translated4(ip: string): string | undefined {
  if (!nat64.check(ip, "ipv6")) return undefined;
  const [, high = "0", low = "0"] =
    /^64:ff9b::(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})?$/.exec(canonical6(ip)) ?? [];
  const bits = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return bits.flatMap((sixteen) => [sixteen >> 8, sixteen & 255]).join(".");
}

const canonical6 = (ip: string): string => new URL(`http://[${ip}]`).hostname.slice(1, -1);

function subnets(family: "ipv4" | "ipv6", ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [net = "", prefix = ""] = range.split("/");
    list.addSubnet(net, Number(prefix), family);
  }
  return list;
}

/** IANA's special-purpose registry (RFC 6890 and later), and one public address that belongs to a cloud. */
const notPublic4 = subnets("ipv4", [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10", // CGNAT, and Alibaba Cloud's metadata
  "127.0.0.0/8",
  "168.63.129.16/32", // Azure's host agent
  "169.254.0.0/16", // link-local: EC2, ECS, Google and Azure metadata
  "172.16.0.0/12",
  "192.0.0.0/24", // includes Oracle Cloud's metadata
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
]);

const globalUnicast6 = subnets("ipv6", ["2000::/3"]);
const nat64 = subnets("ipv6", ["64:ff9b::/96"]);
const notPublic6 = subnets("ipv6", [
  "2001::/23", // Teredo and other tunnels that carry an IPv4 address of the sender's choice
  "2001:db8::/32",
  "2002::/16", // 6to4
  "3fff::/20",
]);
