import { sign } from "../../sdk/client/sigv4.ts";
import type { GoogleFake, SignedQuestion } from "../../stores/google-secret-manager/fake.ts";

export const credentials = {
  ...{ accessKeyId: "AKIDFAKE", secretAccessKey: "FAKE-secret", sessionToken: "FAKE-session" },
};

/** As AWS's STS does it: the same question is signed once more with what is known of the access key. */
export function signer(fake: GoogleFake, signed: SignedQuestion): string | undefined {
  const { authorization = "", "x-amz-date": date = "", ...headers } = signed.headers;
  const region = /\/\d{8}\/([\w-]+)\/sts\//.exec(authorization)?.[1] ?? "";
  const plain = Object.entries(headers).filter(([name]) => !/^(host|x-amz-security-token)$/.test(name));
  const again = sign({
    ...{ method: "POST", url: new URL(signed.url), body: "", service: "sts", region, credentials },
    nowMs: Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z")),
    headers: Object.fromEntries(plain),
  });
  const names = (text = "") => /SignedHeaders=([^,]+)/.exec(text)?.[1];
  return names(again["authorization"]) === names(authorization) ? fake.principal : undefined;
}
