import { environmentMark } from "../../destinations/environment-mark.ts";
import { answer, type FakeReply, type FakeRequest } from "../../destinations/fake.ts";
import { GoogleFake } from "../../stores/google-secret-manager/fake.ts";
import { hostOf } from "../../stores/google-secret-manager/host.ts";
import { callerIdentity } from "../caller-identity.ts";
import { account, environment, type LocalCloud, region } from "../world.ts";
import { copyName, type Place } from "./places.ts";

/**
 * A secret of a Google project, whose readers ask for the alias `current` each time. No key of Google's is stored: the
 * functions' role signs a question who it is, which Google sends to the local cloud's STS.
 */
export function googlePlace(cloud: () => Pick<LocalCloud, "url">): Place {
  const project = "shop-fake";
  const fake = new GoogleFake(project, Date.now);
  fake.principal = `arn:aws:sts::${account}:assumed-role/*`;
  const put = (name: string, text: string) => {
    if (!fake.secrets.has(name)) fake.create(name);
    fake.alias(name, "current", fake.add(name, text));
  };
  put(environmentMark, environment);
  const settings = { project, region, audience: fake.audience, serviceAccount: fake.serviceAccount };
  const at = (host: string) => ({
    host,
    handle: async (request: FakeRequest) => {
      if (host === tokens) {
        const who = await whoSigned(request, cloud().url);
        fake.identify = () => who;
      }
      return handledBy(fake, host, request);
    },
  });
  return {
    ...{ name: "analytics", kind: "google-secret-manager", settings },
    apis: [hostOf(undefined), tokens, "iamcredentials.googleapis.com"].map(at),
    put: (text) => put(copyName, text),
    running() {
      const { aliases, versions } = fake.secrets.get(copyName) ?? {};
      const read = versions?.[Number(aliases?.["current"]) - 1];
      return read === undefined ? [] : [Buffer.from(read.data, "base64").toString("utf8")];
    },
    tick: () => undefined,
  };
}

const tokens = "sts.googleapis.com";

function handledBy(
  fake: GoogleFake,
  host: string,
  { method, path, query, headers, body }: FakeRequest,
): FakeReply {
  const url = new URL(`https://${host}${path}?${query}`);
  const { status, json } = fake.handle({ method, url, headers, body });
  return answer(status, json);
}

/** As Google does: the signed question in the subject token goes to AWS as it is. */
async function whoSigned({ body }: FakeRequest, sts: string): Promise<string | undefined> {
  const { subjectToken } = body as { subjectToken: string };
  const signed = JSON.parse(decodeURIComponent(subjectToken)) as {
    readonly url: string;
    readonly headers: readonly { readonly key: string; readonly value: string }[];
  };
  const headers = Object.fromEntries(signed.headers.map(({ key, value }) => [key.toLowerCase(), value]));
  return callerIdentity({ sts: `${sts}/${new URL(signed.url).search}`, headers, body: "" });
}
