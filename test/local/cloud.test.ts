import { createServer } from "node:http";
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { lambda } from "../../local/aws/lambda.ts";
import { type Cloud, type CloudOptions, requestBytesMax, startCloud } from "../../local/aws/server.ts";
import { AwsError, type JsonService } from "../../local/aws/service.ts";

const place = { region: "eu-west-1", account: "111122223333" };
const signed = (service: string, accessKeyId = "test") => ({
  authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
});

/** Starts a cloud for one test. */
async function withCloud(options: CloudOptions, body: (cloud: Cloud) => Promise<void>): Promise<void> {
  const cloud = await startCloud(options);
  try {
    await body(cloud);
  } finally {
    await cloud.close();
  }
}

const echo: JsonService = {
  target: "Echo",
  call: async (operation, input, caller) => {
    if (operation === "Refuse") throw new AwsError("ResourceNotFoundException", "there is none");
    if (operation === "Break") throw new TypeError("a defect");
    return { operation, input, caller };
  },
};

function call(
  cloud: Cloud,
  operation: string,
  init: { headers?: Record<string, string>; body?: string } = {},
) {
  const headers = { "x-amz-target": `Echo.${operation}`, ...signed("echo"), ...init.headers };
  return fetch(cloud.url, { method: "POST", headers, body: init.body ?? "{}" });
}

describe("the server", () => {
  test("hands a JSON service its input and who called", () =>
    withCloud(
      {
        services: [echo],
        callers: { alice: { account: "222233334444", arn: "arn:aws:iam::222233334444:user/a" } },
      },
      async (cloud) => {
        const answer = await call(cloud, "Say", { headers: signed("echo", "alice"), body: '{"a":1}' });
        expect(await answer.json()).toEqual({
          operation: "Say",
          input: { a: 1 },
          caller: { accessKeyId: "alice", account: "222233334444", arn: "arn:aws:iam::222233334444:user/a" },
        });
      },
    ));

  test("takes an access key id that is an account id for that account", () =>
    withCloud({ services: [echo] }, async (cloud) => {
      const answer = await call(cloud, "Say", { headers: signed("echo", "555566667777") });
      expect(await answer.json()).toMatchObject({ caller: { account: "555566667777" } });
    }));

  test("words a refusal as AWS does", () =>
    withCloud({ services: [echo] }, async (cloud) => {
      const answer = await call(cloud, "Refuse");
      expect(answer.status).toBe(400);
      expect(answer.headers.get("x-amzn-errortype")).toBe("ResourceNotFoundException");
      expect(await answer.json()).toMatchObject({
        __type: "ResourceNotFoundException",
        message: "there is none",
      });
    }));

  test("answers a defect without its message, and reports it", async () => {
    const defects: unknown[] = [];
    await withCloud({ services: [echo], onDefect: (error) => defects.push(error) }, async (cloud) => {
      const answer = await call(cloud, "Break");
      expect(answer.status).toBe(500);
      expect(await answer.text()).not.toContain("a defect");
    });
    expect(defects).toEqual([new TypeError("a defect")]);
  });

  test("refuses what is unsigned, unknown, no JSON or too large", () =>
    withCloud({ services: [echo] }, async (cloud) => {
      const codeOf = async (answer: Promise<Response>) => (await answer).headers.get("x-amzn-errortype");
      expect(await codeOf(call(cloud, "Say", { headers: { authorization: "" } }))).toBe(
        "MissingAuthenticationTokenException",
      );
      expect(await codeOf(call(cloud, "Say", { headers: { "x-amz-target": "Other.Say" } }))).toBe(
        "UnknownOperationException",
      );
      expect(await codeOf(call(cloud, "Say", { body: "[]" }))).toBe("SerializationException");
      expect(await codeOf(call(cloud, "Say", { body: "x".repeat(requestBytesMax + 1) }))).toBe(
        "RequestEntityTooLargeException",
      );
    }));

  test("counts requests by service and operation", () =>
    withCloud({ services: [echo] }, async (cloud) => {
      await call(cloud, "Say");
      await call(cloud, "Say");
      await call(cloud, "Refuse");
      expect(cloud.requests()).toEqual({ echo: { Say: 2, Refuse: 1 } });
    }));

  test("refuses what the tables would take and not do", async () => {
    const fallback = createServer((request, response) => request.pipe(response));
    await withCloud({ services: [], fallback }, async ({ url }) => {
      const body = JSON.stringify({ TableName: "t", ReturnValuesOnConditionCheckFailure: "ALL_OLD" });
      const headers = { "x-amz-target": "DynamoDB_20120810.PutItem" };
      const answer = await fetch(url, { method: "POST", headers, body });
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain("ReturnValuesOnConditionCheckFailure");
    });
  });

  test("hands DynamoDB's requests to the fallback", async () => {
    const fallback = createServer((request, response) => request.pipe(response));
    await withCloud({ services: [echo], fallback }, async (cloud) => {
      const answer = await call(cloud, "", {
        headers: { "x-amz-target": "DynamoDB_20120810.GetItem" },
        body: '{"k":1}',
      });
      expect(await answer.text()).toBe('{"k":1}');
      expect(cloud.requests()).toEqual({ dynamodb: { GetItem: 1 } });
    });
  });
});

describe("a function", () => {
  const functions = {
    "revoke-key": async (event: unknown, context: { functionName: string; clientContext?: unknown }) => ({
      event,
      name: context.functionName,
      ...(context.clientContext ? { client: context.clientContext } : {}),
    }),
    refuse: async () => {
      throw Object.assign(new Error("still used"), { name: "RevokeRefused" });
    },
    stuck: () => new Promise(() => undefined),
  };

  /** A Lambda client on a cloud with these functions. */
  const withClient = (body: (client: LambdaClient) => Promise<void>) =>
    withCloud({ services: [lambda({ ...place, functions, timeoutMs: { stuck: 20 } })] }, async ({ url }) => {
      const credentials = { accessKeyId: "test", secretAccessKey: "test" };
      const client = new LambdaClient({ endpoint: url, region: place.region, credentials });
      await body(client).finally(() => client.destroy());
    });

  const said = (payload: Uint8Array | undefined) => JSON.parse(Buffer.from(payload ?? []).toString());

  test("is invoked by name, ARN and version with its event and client context", () =>
    withClient(async (client) => {
      const arn = `arn:aws:lambda:eu-west-1:111122223333:function:revoke-key:$LATEST`;
      for (const FunctionName of ["revoke-key", arn]) {
        const ClientContext = Buffer.from('{"run":"r-1"}').toString("base64");
        const answer = await client.send(
          new InvokeCommand({ FunctionName, Payload: '{"a":1}', ClientContext }),
        );
        expect(said(answer.Payload)).toEqual({ event: { a: 1 }, name: "revoke-key", client: { run: "r-1" } });
        expect(answer.FunctionError).toBeUndefined();
      }
    }));

  test("that throws answers with its error's type and message", () =>
    withClient(async (client) => {
      const answer = await client.send(new InvokeCommand({ FunctionName: "refuse" }));
      expect(answer.FunctionError).toBe("Unhandled");
      expect(said(answer.Payload)).toEqual({
        errorType: "RevokeRefused",
        errorMessage: "still used",
        trace: [],
      });
    }));

  test("that runs out of time answers with an error that has no type", () =>
    withClient(async (client) => {
      const answer = await client.send(new InvokeCommand({ FunctionName: "stuck" }));
      expect(said(answer.Payload)).toEqual({
        errorMessage: expect.stringMatching(/Task timed out after 0.02 seconds$/),
      });
    }));

  test("is described as one that can be deployed", () =>
    withClient(async (client) => {
      const answer = await client.send(new GetFunctionConfigurationCommand({ FunctionName: "stuck" }));
      expect(answer).toMatchObject({ FunctionName: "stuck", Runtime: "nodejs24.x", State: "Active" });
    }));
});

describe("a function URL", () => {
  const functions = {
    admin: async (event: unknown) => {
      const { requestContext, body, rawPath } = event as {
        requestContext: { authorizer?: { iam: { userArn: string } } };
        body: string;
        rawPath: string;
      };
      const by = requestContext.authorizer?.iam.userArn ?? "nobody";
      return { statusCode: 202, headers: { "X-By": by }, body: JSON.stringify({ rawPath, body }) };
    },
    intake: async (event: unknown) => event,
    broken: async () => {
      throw new Error("no");
    },
  };
  const urls = new Map([
    ["admin", { auth: "AWS_IAM" }],
    ["intake", { auth: "NONE" }],
    ["broken", { auth: "NONE" }],
  ] as const);
  const withUrls = (body: (cloud: Cloud) => Promise<void>) =>
    withCloud(
      { services: [lambda({ ...place, functions, urlOf: (name) => urls.get(name as "admin") })] },
      body,
    );

  test("tells its function which principal called, and answers as the function says", () =>
    withUrls(async ({ url }) => {
      const headers = { ...signed("lambda", "alice"), "content-type": "application/json" };
      const answer = await fetch(`${url}/function-urls/admin/hold`, {
        method: "POST",
        headers,
        body: '{"x":1}',
      });
      expect(answer.status).toBe(202);
      expect(answer.headers.get("x-by")).toBe("arn:aws:iam::111122223333:user/alice");
      expect(await answer.json()).toEqual({ rawPath: "/hold", body: '{"x":1}' });
    }));

  test("with IAM authorization turns unsigned callers away", () =>
    withUrls(async ({ url }) => {
      expect((await fetch(`${url}/function-urls/admin`, { method: "POST" })).status).toBe(403);
    }));

  test("without authorization hands on the exact bytes that were sent", () =>
    withUrls(async ({ url }) => {
      const send = async (body: string | Buffer<ArrayBuffer>, type: string) =>
        (
          await fetch(`${url}/function-urls/intake?a=1`, {
            method: "POST",
            headers: { "content-type": type },
            body,
          })
        ).json();
      expect(await send('{ "a" : 1 }', "application/json")).toMatchObject({
        body: '{ "a" : 1 }',
        isBase64Encoded: false,
        rawQueryString: "a=1",
        requestContext: { accountId: "anonymous" },
      });
      const bytes = Buffer.from([0xff, 0x00, 0x7f]);
      expect(await send(bytes, "application/octet-stream")).toMatchObject({
        body: bytes.toString("base64"),
        isBase64Encoded: true,
      });
    }));

  test("whose function fails answers 502 without saying why", () =>
    withUrls(async ({ url }) => {
      const answer = await fetch(`${url}/function-urls/broken`, { method: "POST" });
      expect(answer.status).toBe(502);
      expect(await answer.json()).toEqual({ Message: "Internal Server Error" });
    }));
});
