/** What a stranger writes after reading the README: each program makes requests until it is ended, one line for each. */
export interface Place {
  readonly secretArn: string;
  /** Where the provider is asked, and how. */
  readonly url: string;
  readonly header: string;
  readonly scheme: string;
}

const everyMs = 200;

const ask = ({ url, header, scheme }: Place) => `
const ask = async (value) => {
  const headers = { ${JSON.stringify(header)}: ${JSON.stringify(scheme)} + value, "content-type": "application/json" };
  const body = JSON.stringify({ model: "gpt-fake", messages: [] });
  const reply = await fetch(${JSON.stringify(url)}, { method: "POST", headers, body });
  await reply.arrayBuffer();
  if (reply.status !== 200) throw Object.assign(new Error("the provider answered " + reply.status), { status: reply.status });
};
const forever = async (once) => {
  for (;;) {
    await once().then(() => console.log("ok"), (error) => console.log("failed", error.name, error.message));
    await new Promise((resolve) => setTimeout(resolve, ${everyMs}));
  }
};
`;

const options = `{ environment: "production", reportBus: "rekey-reports-production", watchEveryMs: 1000, refreshEveryMs: 1000, maxStaleMs: 20000, timeoutMs: 10000 }`;

export const esmApp = (place: Place) => `import { createRekey } from "rekey-client";
${ask(place)}
const rekey = createRekey({ consumer: "esm-app", ...${options} });
const key = await rekey.open({ secret: ${JSON.stringify(place.secretArn)}, field: "apiKey" });
forever(() => key.use(ask));
`;

export const cjsApp = (place: Place) => `const { createRekey } = require("rekey-client");
${ask(place)}
const rekey = createRekey({ consumer: "cjs-app", ...${options} });
rekey.open({ secret: ${JSON.stringify(place.secretArn)}, field: "apiKey" }).then((key) => forever(() => key.use(ask)));
`;

/** A front end's server: bundled into one file, as frameworks deploy it, and asked over HTTP by its browser. */
export const frontEndServer = (place: Place) => `import { createServer } from "node:http";
import { rekeyMiddleware } from "rekey-client/express";
${ask(place)}
const keys = rekeyMiddleware({ consumer: "front-end", secret: ${JSON.stringify(place.secretArn)}, field: "apiKey", ...${options} });
const server = createServer((request, response) =>
  keys(request, response, (error) => {
    const done = error ? Promise.reject(error) : request.rekey.key.use(ask);
    done.then(() => response.end(), () => response.writeHead(503).end());
  }),
);
keys.closeWith(server);
server.listen(0, "127.0.0.1", () => {
  const page = "http://127.0.0.1:" + server.address().port;
  forever(async () => {
    const { status } = await fetch(page);
    if (status !== 200) throw new Error("the page answered " + status);
  });
});
`;

export const lambdaHandler = (place: Place) => `import middy from "@middy/core";
import { rekeyMiddleware } from "rekey-client/middy";
${ask(place)}
const handler = middy()
  .use(rekeyMiddleware({ secret: ${JSON.stringify(place.secretArn)}, field: "apiKey", ...${options} }))
  .handler(async (event, context) => context.rekey.key.use(ask));
forever(() => handler({}, { getRemainingTimeInMillis: () => 60000 }));
`;

export const pythonProgram = ({
  secretArn,
  url,
  header,
  scheme,
}: Place) => `import time, urllib.error, urllib.request
from rekey_agent import Key

key = Key(${JSON.stringify(secretArn)}, "apiKey")

def once():
    for attempt in (1, 2):
        headers = {${JSON.stringify(header)}: ${JSON.stringify(scheme)} + key(), "content-type": "application/json"}
        body = b'{"model":"gpt-fake","messages":[]}'
        try:
            request = urllib.request.Request(${JSON.stringify(url)}, data=body, headers=headers)
            with urllib.request.urlopen(request, timeout=10):
                key.outcome(ok=True)
                return "ok"
        except urllib.error.HTTPError as error:
            if error.code == 401 and key.outcome(ok=False) and attempt == 1:
                continue
            return "failed %d" % error.code

while True:
    print(once(), flush=True)
    time.sleep(${everyMs / 1_000})
`;

/** Knows nothing of Rekey: it reads a file once, when it starts. */
export const containerProgram = (place: Place) => `import { readFileSync } from "node:fs";
${ask(place)}
const value = readFileSync(process.env.KEY_FILE, "utf8");
forever(() => ask(value));
`;
