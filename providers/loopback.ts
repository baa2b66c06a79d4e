import { BlockList, isIP } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

export function isLoopbackAddress(ip: string): boolean {
  if (ip.includes("%")) return false;
  const family = isIP(ip);
  return family !== 0 && loopback.check(ip, family === 6 ? "ipv6" : "ipv4");
}
