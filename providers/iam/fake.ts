import { createHash, createHmac } from "node:crypto";
import type { FakeReply, FakeRequest } from "../fake.ts";
import { type FakeOptions, fakeText, json, type ProviderFake, type RouteContext } from "../fake-world.ts";
import { done, element, iamFake, statusOf, timeText } from "../iam-fake.ts";

/** A stateful stand-in for IAM's access keys, and for STS, which checks a pair's signature. */
export function iamAccessKeyFake(options: FakeOptions = {}): ProviderFake {
  return iamFake(options, {
    actions: {
      ...{
        list: "ListAccessKeys",
        mint: "CreateAccessKey",
        update: "UpdateAccessKey",
        revoke: "DeleteAccessKey",
      },
    },
    idField: "AccessKeyId",
    listElement: "AccessKeyMetadata",
    mintElement: "AccessKey",
    member: (key) => ({
      AccessKeyId: key.keyId,
      Status: statusOf(key),
      CreateDate: timeText(key.createdAtMs),
    }),
    made: ({ text }) => ({ SecretAccessKey: text.split(":")[1] }),
    dialect: {
      // A consumer of the demonstration sends the pair itself, where a real one would sign with it.
      credentialOf: ({ headers }) => headers["x-fake-pair"] ?? "",
      refused: () => failed("InvalidClientTokenId", "The security token included in the request is invalid."),
      consumer: { path: "/use", header: "x-fake-pair", scheme: "" },
      keyIdOf: idOf,
      textOf: (number, random) => `${idOf(number)}:${fakeText("FAKE", { number, random, length: 32 })}`,
    },
    more: [
      {
        ...{ operation: "verify", method: "POST", path: /^\/$/, as: "nobody" },
        isFor: ({ body }) => Object(body)["Action"] === "GetCallerIdentity",
        answer: whoami,
      },
      {
        ...{ operation: "lastUsed", method: "POST", path: /^\/$/, as: "nobody" },
        isFor: ({ body }) => Object(body)["Action"] === "GetAccessKeyLastUsed",
        answer: lastUsed,
      },
      { ...{ operation: "use", method: "POST", path: /^\/use$/, as: "key" }, answer: () => json(200, {}) },
    ],
  });
}

function idOf(number: number): string {
  return `AKIAFAKE${String(number).padStart(12, "0")}`;
}

function lastUsed({ world, body }: RouteContext): FakeReply {
  const atMs = world.keys.get(String(body["AccessKeyId"]))?.usesMs.at(-1);
  const used = {
    LastUsedDate: atMs === undefined ? undefined : timeText(atMs),
    ServiceName: "s3",
    Region: "us-east-1",
  };
  return done("GetAccessKeyLastUsed", element("AccessKeyLastUsed", used));
}

function whoami({ world, request }: RouteContext): FakeReply {
  const { authorization = "" } = request.headers;
  const [, id, scope, signature] =
    /Credential=(\w+)\/([\w/-]+), ?SignedHeaders=[\w;-]+, ?Signature=([0-9a-f]{64})$/.exec(authorization) ??
    [];
  const key = [...world.keys.values()].find(({ text }) => text.startsWith(`${id}:`));
  if (key === undefined || !world.isAccepted(key))
    return failed("InvalidClientTokenId", "The security token included in the request is invalid.");
  if (signature !== signatureOf(request, { secret: key.text.split(":")[1] ?? "", scope: scope ?? "" }))
    return failed(
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided.",
    );
  const Arn = "arn:aws:iam::111122223333:user/shop-user";
  return json(200, {
    GetCallerIdentityResponse: { GetCallerIdentityResult: { Arn, Account: "111122223333" } },
  });
}

/** Signature Version 4, as AWS documents it. */
function signatureOf(
  { method, path, headers, body }: FakeRequest,
  { secret, scope }: { readonly secret: string; readonly scope: string },
): string {
  const [, names = ""] = /SignedHeaders=([\w;-]+)/.exec(headers["authorization"] ?? "") ?? [];
  const signed = names.split(";").map((name) => `${name}:${(headers[name] ?? "").trim()}\n`);
  const content = new URLSearchParams(body as Record<string, string>).toString();
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const canonical = [method, path, "", signed.join(""), names, sha256(content)].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha256(canonical)].join("\n");
  const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
  const key = scope.split("/").reduce<string | Buffer>((from, part) => hmac(from, part), `AWS4${secret}`);
  return hmac(key, toSign).toString("hex");
}

function failed(Code: string, Message: string): FakeReply {
  return json(403, { Error: { Code, Message, Type: "Sender" }, RequestId: "FAKE" });
}
