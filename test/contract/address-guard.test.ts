import { isPrivateAddress, whyNotAddress } from "../../providers/why-not-address.ts";

const HOST = "api.openai.com";

/** Every one of these is an attempt to be somewhere else than https on the allowed host. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  NotAUrl: [
    "",
    " ",
    "api.openai.com",
    "//api.openai.com/v1",
    "/v1/models",
    "https://",
    "https:///",
    "https://api.openai.com:99999/",
    "https://api.openai.com:-1/",
    "https://[::1/",
    "https://[::g]/",
    "https://256.256.256.256/",
    "https://1.2.3.4.5/",
    "https://0x100000000/",
    "https://api openai.com/",
    " https://api.openai.com/",
    "https://api.openai.com/ ",
    "https://api.open\tai.com/",
    "https://api.open\nai.com/",
    "https://api.openai.com/\r\nHost: evil.test",
    "https://api.openai.com\\@evil.test/",
    "https:\\\\api.openai.com/",
    "https://api.openai.com\\.evil.test/",
    "https://api.openai.com/\u0000",
    "https://api.openai.com/\u001b[2J",
    "https://api.openai\u200b.com/",
    "https://api.openai.com/\u202e",
    "https://api.openai.com\u3000/",
    "https://%00/",
    "https://api.openai.com%00.evil.test/",
    "https://api.openai.com%2f@evil.test:1%/",
    "https://exa<mple/",
    `https://api.openai.com/${"a".repeat(5000)}`,
  ],
  NotHttps: [
    "http://api.openai.com/",
    "HTTP://API.OPENAI.COM/",
    "http://api.openai.com:443/",
    "http://127.0.0.1/",
    "http://localhost/",
    "http://[::1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "ftp://api.openai.com/",
    "ws://api.openai.com/",
    "wss://api.openai.com/",
    "file:///etc/passwd",
    "file://api.openai.com/etc/passwd",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "gopher://api.openai.com:70/_",
    "blob:https://api.openai.com/1",
    "mailto:a@api.openai.com",
    "httpss://api.openai.com/",
    "dict://127.0.0.1:11211/stats",
    "unix:/var/run/docker.sock",
    "about:blank",
  ],
  HasUserinfo: [
    "https://user@api.openai.com/",
    "https://user:password@api.openai.com/",
    "https://:password@api.openai.com/",
    "https://:@api.openai.com/",
    "https://@api.openai.com/",
    "https://api.openai.com@evil.test/",
    "https://api.openai.com:443@evil.test/",
    "https://api.openai.com%2f@evil.test/",
    "https://evil.test%23@api.openai.com/",
    "https://a@b@api.openai.com/",
  ],
  HostNotAllowed: [
    "https://evil.test/",
    "https://openai.com/",
    "https://api.openai.com.evil.test/",
    "https://evil-api.openai.com/",
    "https://x.api.openai.com/",
    "https://api.openai.com./",
    "https://api.openai.co/",
    "https://api.openai.comm/",
    "https://api-openai.com/",
    "https://api.openai.com:8443/",
    "https://api.openai.com:80/",
    "https://evil.test/api.openai.com",
    "https://evil.test?api.openai.com",
    "https://evil.test#@api.openai.com",
    "https://evil.test?@api.openai.com/",
    "https://аpi.openai.com/",
    "https://api.οpenai.com/",
    "https://xn--pi-7kc.openai.com/",
    "https://localhost/",
    "https://localhost.localdomain/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://①②⑦.0.0.1/",
    "https://169.254.169.254/",
    "https://169.254.170.2/",
    "https://2852039166/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://metadata.google.internal/",
    "https://kubernetes.default.svc/",
    "https://127.0.0.1.nip.io/",
    "https://evil.test/?next=https://api.openai.com/",
  ],
};

const ACCEPTED = [
  "https://api.openai.com",
  "https://api.openai.com/v1/models",
  "https://api.openai.com:443/v1/models",
  "HTTPS://API.OPENAI.COM/v1/models",
  "https://api.openai.com/v1/models?after=a@b",
  "https://api.openai.com/a@b",
  "https://api.openai.com/?a=%40%2f",
  "https://ａｐｉ.openai.com/",
];

describe("the address guard", () => {
  test("its corpus has at least a hundred addresses", () => {
    expect(Object.values(REFUSED).flat().length + ACCEPTED.length).toBeGreaterThanOrEqual(100);
  });

  for (const [reason, urls] of Object.entries(REFUSED)) {
    test.each(urls.map((url) => [JSON.stringify(url).slice(0, 60), url]))(
      `%s is ${reason}`,
      (_shown, url) => {
        expect(whyNotAddress(url, [HOST])).toBe(reason);
      },
    );
  }

  test.each(ACCEPTED)("%s is the allowed host", (url) => {
    expect(whyNotAddress(url, [HOST])).toBeUndefined();
    expect(new URL(url).host).toBe(HOST);
  });

  test("an empty allow-list allows nothing", () => {
    expect(whyNotAddress(`https://${HOST}/`, [])).toBe("HostNotAllowed");
  });

  test("a port that is allowed is the only one", () => {
    expect(whyNotAddress("https://api.test:8443/", ["api.test:8443"])).toBeUndefined();
    expect(whyNotAddress("https://api.test/", ["api.test:8443"])).toBe("HostNotAllowed");
  });

  test.each([
    "127.0.0.1",
    "2130706433",
    "0177.0.0.1",
    "10.1.2.3",
    "100.64.0.1",
    "169.254.169.254",
    "[::1]",
    "[::ffff:8.8.8.8]",
    "[fd00:ec2::254]",
  ])("a private address is refused even when the allow-list names it: %s", (host) => {
    const url = `https://${host}/`;
    expect(whyNotAddress(url, [new URL(url).host])).toBe("PrivateAddress");
  });

  test("loopback and http belong to stand-ins, and to nothing else", () => {
    const why = (url: string) => whyNotAddress(url, [new URL(url).host], { allowLoopback: true });
    for (const url of [
      "http://127.0.0.1:4010/",
      "http://[::1]:4010/",
      "http://localhost:4010/",
      "https://127.0.0.1/",
    ]) {
      expect(why(url)).toBeUndefined();
      expect(whyNotAddress(url, [new URL(url).host])).not.toBeUndefined();
    }
    expect(why("http://api.openai.com/")).toBe("NotHttps");
    expect(why("http://10.0.0.1/")).toBe("NotHttps");
    expect(why("https://10.0.0.1/")).toBe("PrivateAddress");
    expect(why("http://localhost.evil.test/")).toBe("NotHttps");
    expect(whyNotAddress("http://127.0.0.1:4010/", ["127.0.0.1:4011"], { allowLoopback: true })).toBe(
      "HostNotAllowed",
    );
  });
});

describe("a private address", () => {
  test.each([
    [
      "0.0.0.0",
      "10.0.0.0",
      "10.255.255.255",
      "100.64.0.0",
      "100.100.100.200",
      "100.127.255.255",
      "127.0.0.1",
    ],
    [
      "127.255.255.255",
      "168.63.129.16",
      "169.254.0.1",
      "169.254.169.254",
      "169.254.170.2",
      "172.16.0.0",
      "172.31.255.255",
    ],
    [
      "192.0.0.192",
      "192.0.2.1",
      "192.88.99.1",
      "192.168.0.1",
      "198.18.0.1",
      "198.19.255.255",
      "198.51.100.1",
    ],
    ["203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"],
    [
      "::",
      "::1",
      "::127.0.0.1",
      "::ffff:127.0.0.1",
      "::ffff:8.8.8.8",
      "::ffff:169.254.169.254",
      "::ffff:a00:1",
    ],
    ["64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::", "64:ff9b::1", "64:ff9b:1::1"],
    [
      "100::1",
      "2001::1",
      "2001:db8::1",
      "2002:7f00:1::",
      "3fff::1",
      "fc00::1",
      "fd00:ec2::254",
      "fe80::1",
      "fec0::1",
    ],
    ["ff02::1", "4000::1", "e000::1", "fe80::1%eth0", "2606:4700::1%eth0"],
    ["", "localhost", "1.2.3", "1.2.3.4.5", "0x7f000001", "1.2.3.4 ", "::1::", "not an address"],
  ])("includes %s and its neighbours", (...ips: string[]) => {
    expect(ips.filter((ip) => !isPrivateAddress(ip))).toEqual([]);
  });

  test("does not include public ones, next to the private ranges or translated for IPv6-only subnets", () => {
    const ips = [
      "1.1.1.1",
      "8.8.8.8",
      "9.255.255.255",
      "11.0.0.0",
      "100.63.255.255",
      "100.128.0.0",
      "126.255.255.255",
    ];
    ips.push(
      "128.0.0.0",
      "168.63.129.17",
      "169.253.255.255",
      "169.255.0.0",
      "172.15.255.255",
      "172.32.0.0",
      "223.255.255.255",
    );
    ips.push(
      "192.167.255.255",
      "192.169.0.0",
      "198.17.255.255",
      "198.20.0.0",
      "2606:4700::6810:84e5",
      "2a00:1450::1",
    );
    ips.push("64:ff9b::8.8.8.8", "64:ff9b::101:101");
    expect(ips.filter(isPrivateAddress)).toEqual([]);
  });
});
