import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { AzureFake, azureFetch } from "../../stores/azure-key-vault/fake.ts";
import { GoogleFake, googleFetch } from "../../stores/google-secret-manager/fake.ts";
import { hostOf } from "../../stores/google-secret-manager/host.ts";
import { bundleOnce, HostWorld, until } from "./host-world.ts";
import { fingerprintOf } from "./world.ts";

type Answering = (url: string, init: RequestInit) => Promise<Response>;

interface Store {
  readonly reference: string;
  readonly env: Readonly<Record<string, string>>;
  put(text: string): void;
}

let built: Awaited<ReturnType<typeof bundleOnce>>;
let world: HostWorld;
let server: Server;
let address: string;
let answer: Answering;

beforeAll(async () => {
  built = await bundleOnce();
});

afterAll(() => built.remove());

beforeEach(async () => {
  world = await HostWorld.create(built.bundle);
  server = createServer(async (request, reply) => {
    const { method = "GET", headers, url } = request;
    const body = (await text(request)) || undefined;
    const init = { method, headers: headers as Record<string, string>, ...(body !== undefined && { body }) };
    const answered = await answer(`${address}${url}`, init);
    reply.writeHead(answered.status, { "content-type": "application/json" }).end(await answered.text());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});

afterEach(async () => {
  await world.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function google(location?: string): Store {
  const fake = new GoogleFake("shop-fake", Date.now, location);
  fake.create("openai");
  const ask = googleFetch(fake);
  // The stand-in looks at the host, as Google's location does; the endpoint here leads to this machine.
  answer = (url, init) => {
    const { pathname, search } = new URL(url);
    return ask(`https://${hostOf(location)}${pathname}${search}`, init);
  };
  return {
    reference: "google://main/openai",
    env: {
      ...{ REKEY_GOOGLE_PROJECT: "shop-fake", REKEY_GOOGLE_ENDPOINT: address },
      ...(location !== undefined && { REKEY_GOOGLE_LOCATION: location }),
      GCE_METADATA_HOST: new URL(address).host,
    },
    put: (value) => fake.alias("openai", "current", fake.add("openai", value)),
  };
}

const stores: Readonly<Record<string, () => Store>> = {
  Google: () => google(),
  "one of Google's locations": () => google("europe-west3"),
  Azure() {
    const fake = new AzureFake(address, Date.now);
    answer = azureFetch(fake);
    return {
      reference: "azure://main/openai",
      env: {
        REKEY_AZURE_VAULT: address,
        ...{ IDENTITY_ENDPOINT: `${address}/msi/token`, IDENTITY_HEADER: fake.identityHeader },
      },
      put: (value) => void fake.put("openai", value),
    };
  },
};

const holds = () =>
  world.reports().map(({ kind, secretArn, holds: held }) => [kind, secretArn, held.fingerprint]);

describe.each(Object.keys(stores))("a key in %s", (name) => {
  test("is served and reported by rekey agent, and its successor", async () => {
    const store = stores[name]?.() as Store;
    store.put('{"api_key":"FAKE-key-1"}');
    const token = join(world.folder, "token");
    const declared = `${store.reference}#api_key`;
    const args = ["agent", "--secret", declared, "--port", "0", "--token-file", token];
    const running = world.run(args, { more: store.env });
    const port = await until("the agent", () => /"port":(\d+)/.exec(running.out())?.[1]);
    const get = async (more = "") => {
      const asked = encodeURIComponent(store.reference);
      const reply = await fetch(`http://127.0.0.1:${port}/secretsmanager/get?secretId=${asked}${more}`, {
        headers: { "X-Aws-Parameters-Secrets-Token": readFileSync(token, "utf8") },
      });
      return (await reply.json()) as Record<string, unknown>;
    };

    expect(await get()).toMatchObject({ ARN: store.reference, SecretString: '{"api_key":"FAKE-key-1"}' });
    store.put('{"api_key":"FAKE-key-2"}');
    expect(await get("&refreshNow=true")).toMatchObject({ SecretString: '{"api_key":"FAKE-key-2"}' });
    await until("a report", () => holds().length > 1);
    expect(holds()).toEqual([
      ["agent", store.reference, fingerprintOf("FAKE-key-1")],
      ["agent", store.reference, fingerprintOf("FAKE-key-2")],
    ]);
  });

  test("starts a program under rekey exec, and again with its successor, and no login is passed on", async () => {
    const store = stores[name]?.() as Store;
    store.put("FAKE-key-1");
    const inherited = 'env | grep -c -e "^REKEY_GOOGLE" -e "^REKEY_AZURE" -e "^IDENTITY_"';
    const script = `echo "$KEY $(${inherited})"; while :; do sleep 1; done`;
    const args = [
      "exec",
      "--secret",
      store.reference,
      "--env",
      "KEY",
      "--refresh",
      "200ms",
      "--spread",
      "1ms",
    ];
    const running = world.run([...args, "--", "/bin/sh", "-c", script], { more: store.env });
    await until("the first start", () => running.out().includes("FAKE-key-1 0"));
    store.put("FAKE-key-2");
    await until("the second start", () => running.out().includes("FAKE-key-2 0"));
    await until("its report", () =>
      holds().some(([kind, , held]) => kind === "exec" && held === fingerprintOf("FAKE-key-2")),
    );
    running.child.kill("SIGTERM");
    await running.ended;
  }, 60_000);

  test("that cannot be read fails the start, and says what to look at", async () => {
    const store = stores[name]?.() as Store;
    const args = ["agent", "--secret", store.reference, "--port", "0"];
    const running = world.run([...args, "--token-file", join(world.folder, "token")], { more: store.env });
    expect(await running.ended).toMatchObject({ code: 1 });
    expect(running.err()).toContain(`the secret ${store.reference} could not be read (UpstreamUnavailable`);
    expect(running.err()).toContain("hint: look at the reference: there is no current value");
  });
});
