import dns from "node:dns/promises";
import http from "node:http";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";

/** By host name, the loopback port on which a stand-in of that company listens. */
export type StandInHosts = Readonly<Record<string, number>>;

/**
 * In this thread these names lead to loopback, and to plain http, as if this machine's network did it. What makes the
 * requests is unchanged: it asks for `https://api.example.com`, resolves the name and checks the address.
 */
export function leadToStandIns(hosts: StandInHosts): void {
  const portOf = (hostname: string) => (Object.hasOwn(hosts, hostname) ? hosts[hostname] : undefined);
  const [lookup, request] = [dns.lookup, https.request];
  const looked = async (hostname: string, options: never) =>
    portOf(hostname) === undefined ? lookup(hostname, options) : [{ address: "127.0.0.1", family: 4 }];
  const requested = (url: URL, options: http.RequestOptions, ...rest: never[]) => {
    const port = url instanceof URL ? portOf(url.hostname) : undefined;
    if (port === undefined) return request(url, options, ...rest);
    const { agent: _tls, lookup: _pinned, ...others } = options;
    return http.request(new URL(`http://127.0.0.1:${port}${url.pathname}${url.search}`), {
      ...others,
      agent: false,
    });
  };
  Object.assign(dns, { lookup: looked });
  Object.assign(https, { request: requested });
  syncBuiltinESMExports();
}
