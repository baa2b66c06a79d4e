import { type IncomingMessage, request } from "node:http";

/**
 * Lambda's next message to an extension.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
 */
export interface LifecycleEvent {
  eventType: "INVOKE" | "SHUTDOWN";
  /** Milliseconds since 1970. */
  deadlineMs: number;
}

export interface ExtensionsApi {
  /** Waits, without a limit, for the next event; Lambda freezes the sandbox meanwhile. */
  next(): Promise<LifecycleEvent>;
  initError(type: string): Promise<void>;
  exitError(type: string): Promise<void>;
}

/** The file's name in /opt/extensions, by which Lambda knows the extension. */
export const extensionName = "rekey";

/** An event is a few hundred bytes. */
const answerMaxBytes = 64 * 1024;

/** Registers for INVOKE and SHUTDOWN at `host:port` as in AWS_LAMBDA_RUNTIME_API. */
export async function registerExtension(host: string): Promise<ExtensionsApi> {
  const call = caller(`http://${host}/2020-01-01/extension`);
  const { response } = await call("/register", {
    headers: { "Lambda-Extension-Name": extensionName },
    body: { events: ["INVOKE", "SHUTDOWN"] },
  });
  const identifier = String(response.headers["lambda-extension-identifier"]);
  const headers = { "Lambda-Extension-Identifier": identifier };
  const fail = async (path: string, errorType: string): Promise<void> => {
    await call(path, {
      headers: { ...headers, "Lambda-Extension-Function-Error-Type": `Extension.${errorType}` },
      body: { errorType, errorMessage: errorType, stackTrace: [] },
    });
  };
  return {
    next: async () => JSON.parse((await call("/event/next", { headers })).text) as LifecycleEvent,
    initError: (type) => fail("/init/error", type),
    exitError: (type) => fail("/exit/error", type),
  };
}

interface Call {
  headers: Record<string, string>;
  body?: object;
}

/** Not `fetch`: it stops waiting for an answer after five minutes, and the next event may be hours away. */
function caller(base: string) {
  return (path: string, { headers, body }: Call) =>
    new Promise<{ response: IncomingMessage; text: string }>((resolve, reject) => {
      const method = body ? "POST" : "GET";
      const sent = request(`${base}${path}`, { method, headers }, (response) => {
        readAll(response).then((text) => {
          const { statusCode = 0 } = response;
          if (statusCode < 300) resolve({ response, text });
          else reject(new Error(`the Extensions API answered ${path} with ${statusCode}`));
        }, reject);
      });
      sent.on("error", reject);
      sent.end(body && JSON.stringify(body));
    });
}

async function readAll(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length > answerMaxBytes) throw new Error("the Extensions API answered without end");
  }
  return text;
}
