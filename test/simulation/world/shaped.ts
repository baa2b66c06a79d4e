import type { KeyProvider, ListedKey, MintRequest } from "../../../core/ports.ts";
import { Secret } from "../../../core/secret.ts";
import type { FakeReply, FakeRequest } from "../../../providers/fake.ts";
import type { Http } from "../../../providers/http.ts";
import {
  type FakeKeyState,
  type OpenAiFake,
  type OpenAiFakeOptions,
  openaiFake,
} from "../../../providers/openai/fake.ts";

/** What a key is narrowed to by a quarantine: it can do nothing that a consumer does. */
export const disabledScopes = ["api.files.read"];

export const isDisabled = ({ scopes }: Pick<FakeKeyState, "scopes">): boolean =>
  scopes.length === 1 && scopes[0] === disabledScopes[0];

/** A call that uses a key in order to see whether it works. */
export const isProbe = (operation: string): boolean => /\/(?:models|openai\/deployments)$/.test(operation);

/** Connects the provider's adapter to a client: a shape may have a call of its own that says more. */
export type Connect = (http: Http) => KeyProvider;

/**
 * What OpenAI's adapter lacks for a shape that OpenAI does not have. The wire, with all that can go wrong on it, and
 * the keys behind it stay the stand-in's.
 */
export function withShape(
  connect: Connect,
  { http, provider }: { readonly http: Http; readonly provider: OpenAiFake },
): KeyProvider {
  const made = connect(http);
  switch (made.capabilities.shape.kind) {
    case "atMost": {
      const disabled = () => new Set(provider.state().flatMap((key) => (isDisabled(key) ? [key.keyId] : [])));
      const withStatus = (key: ListedKey): ListedKey =>
        disabled().has(key.keyId) ? { ...key, status: "disabled" } : key;
      return {
        ...made,
        list: async (options) => (await made.list(options)).map(withStatus),
        async find(keyId) {
          const key = await made.find(keyId);
          return key && withStatus(key);
        },
      };
    }
    case "clientSecret":
      return {
        ...made,
        newSecret: () =>
          new Secret(`${chosenPrefix}${String(provider.state().length).padStart(4, "0")}${letters()}`),
        mint: ({ secret, ...request }: MintRequest) => connect(asking(http, secret)).mint(request),
      };
    default:
      return made;
  }
}

const chosenPrefix = "sk-svcacct-FAKE-chosen";

/** Chance of the run's own: Math.random is the seed's (run/simulation.ts). */
const letters = () => Math.random().toString(36).slice(2).padEnd(16, "0").slice(0, 16);

/** The request that mints says which text the key shall have. */
function asking(http: Http, secret: Secret | undefined): Http {
  return {
    send: (request) =>
      request.method === "POST" && secret !== undefined
        ? http.send({ ...request, body: { ...(request.body as object), value: secret.reveal() } })
        : http.send(request),
  };
}

/** The stand-in, which makes the key with the text that it is asked for, and no second one with the same text. */
export function standInFor(options: OpenAiFakeOptions): OpenAiFake {
  const fake = openaiFake(options);
  return {
    ...fake,
    get adminKey() {
      return fake.adminKey;
    },
    handle: (request) => chosenKey(fake, request) ?? fake.handle(request),
  };
}

function chosenKey(fake: OpenAiFake, request: FakeRequest): FakeReply | undefined {
  const { name, value, scopes } = Object(request.body) as {
    readonly name?: string;
    readonly value?: string;
    readonly scopes?: readonly string[];
  };
  const isMint = request.method === "POST" && request.path.endsWith("/api_keys");
  if (!isMint || value === undefined || name === undefined) return undefined;
  if (request.headers["authorization"] !== `Bearer ${fake.adminKey}`) return undefined;
  const known = [...fake.texts()].find(([, text]) => text === value)?.[0];
  const { keyId } =
    known === undefined ? fake.addKey({ name, secret: value, ...(scopes && { scopes }) }) : { keyId: known };
  const key = { object: "organization.project.service_account.api_key", id: keyId, name, value };
  return {
    status: 200,
    headers: {},
    body: JSON.stringify({ ...key, created_at: Math.floor(Date.now() / 1000) }),
  };
}
