import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  AdminCredentialRefused,
  MintOutcomeUnknown,
  NeedsHuman,
  PolicyInvalid,
  ProviderGarbled,
  ProviderThrottled,
  ProviderUnavailable,
  QuotaReached,
  type RotationError,
  WrongProject,
} from "../../core/errors.ts";
import type { KeyUse, ListedKey, MintedKey, MintRequest, VerifyResult } from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";
import { AwsRefused, awsAnswer, awsClientOn } from "../aws-http.ts";
import { type BoundFunction, boundFunction } from "../bound-function.ts";
import { whyGuessable } from "../guessable.ts";
import { type KeyListing, keyListing, keyNameText, pathId } from "../key-listing.ts";
import { type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { providerCalls } from "../provider-calls.ts";
import { mayBe, printable } from "../reply-text.ts";
import { contract, type Failed, isFailed, type Operation, type Reply, replies } from "./contract.ts";
import { callPair, sealTo } from "./sealed.ts";
import { LambdaSettings, lambdaUrl, regionOf } from "./settings.ts";

const kind = "lambda";

export function connect(options: ConnectOptions): ProviderCalls {
  const settings = parseSettings(LambdaSettings, options.settings);
  const bound = boundTo(settings, options);
  const call = caller(settings, { bound, options });
  const listing = listingOf(call);
  return providerCalls(listing, {
    mint: (request) => mint(request, call),
    verify: (secret) => verify(secret, { bound, call }),
    revoke: async (keyId) => (await call("revoke", { keyId: pathId(keyId) })).outcome,
    candidates: (secret, listed = listing.all) => candidates(secret, { bound, call, listed }),
    ...(settings.disable && {
      quarantine: async ({ keyId }) =>
        (await call("disable", { keyId: pathId(keyId) })).outcome === "disabled" ? "quarantined" : "cannot",
      restore: async ({ keyId }) => void (await call("enable", { keyId: pathId(keyId) })),
    }),
    ...((settings.lastUse || settings.requests) && { use: (query) => lastUse(query, call) }),
  });
}

/** The deployment, and no policy, says which code is handed keys. */
function boundTo(settings: LambdaSettings, { functions = {} }: ConnectOptions): BoundFunction {
  const arn = settings.function;
  const found = boundFunction.safeParse(Object.hasOwn(functions, arn) ? functions[arn] : undefined);
  if (found.success) return found.data;
  throw new PolicyInvalid(`${arn} is not in the deployment's providerFunctions, so no key is handed to it`);
}

type Call = <Name extends Operation>(operation: Name, body: object) => Promise<Reply<Name>>;

function caller(
  settings: LambdaSettings,
  { bound, options }: { readonly bound: BoundFunction; readonly options: ConnectOptions },
): Call {
  const { http, awsCredentials } = options;
  const client = new LambdaClient({
    region: regionOf(settings),
    endpoint: lambdaUrl(settings),
    ...awsClientOn(http, awsCredentials),
  });
  let checked: Promise<void> | undefined;
  return async (operation, body) => {
    checked ??= assertCode(client, settings.function, bound).catch((error: unknown) => {
      checked = undefined;
      throw error;
    });
    await checked;
    return invoke({ client, settings }, operation, body);
  };
}

/** Once per process: a published version never changes, so what it was is what it is. */
async function assertCode(client: LambdaClient, arn: string, bound: BoundFunction): Promise<void> {
  const { CodeSha256, State } = await invoked("read its configuration", () =>
    client.send(new GetFunctionConfigurationCommand({ FunctionName: arn })),
  );
  if (CodeSha256 !== bound.codeSha256)
    throw new PolicyInvalid(`the code of ${arn} is not what the deployment's providerFunctions says`);
  if (State !== undefined && State !== "Active" && State !== "Inactive")
    throw new ProviderUnavailable(`${arn} cannot be invoked yet`);
}

async function invoke<Name extends Operation>(
  { client, settings }: { readonly client: LambdaClient; readonly settings: LambdaSettings },
  operation: Name,
  body: object,
): Promise<Reply<Name>> {
  const { function: FunctionName, parameters } = settings;
  const Payload = Buffer.from(JSON.stringify({ contract, operation, parameters, ...body }));
  const answer = await invoked(operation, () =>
    client.send(
      new InvokeCommand({ FunctionName, InvocationType: "RequestResponse", LogType: "None", Payload }),
    ),
  );
  if (answer.FunctionError !== undefined)
    throw new ProviderUnavailable(`the function failed at ${operation}`);
  if (answer.ExecutedVersion !== undefined && !FunctionName.endsWith(`:${answer.ExecutedVersion}`))
    throw new ProviderGarbled("another version of the function answered");
  const parsed = replies[operation].safeParse(jsonIn(answer.Payload));
  if (!parsed.success) throw new ProviderGarbled(`the function's reply to ${operation} breaks the contract`);
  const reply = parsed.data;
  if (isFailed(reply)) throw failureOf(reply, operation);
  return reply as Reply<Name>;
}

async function invoked<Answer>(what: string, call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await awsAnswer(what, call);
  } catch (error) {
    if (!(error instanceof AwsRefused)) throw error;
    if (error.code === "ResourceNotFoundException")
      throw new WrongProject("AWS does not have the function's version");
    throw new ProviderGarbled(error.message);
  }
}

function jsonIn(payload: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(payload ?? []).toString("utf8"));
  } catch {
    return undefined; // a parser's message quotes the text
  }
}

/** The function's own words are left out: they could quote a key. */
function failureOf({ error, retryAfterMs }: Failed, operation: Operation): RotationError {
  const what = `the function said "${error}" to ${operation}`;
  switch (error) {
    case "throttled":
      return new ProviderThrottled(what, { retryAfterMs });
    case "unavailable":
      return new ProviderUnavailable(what);
    case "quota":
      return new QuotaReached(what);
    case "denied":
      return new AdminCredentialRefused(what);
    case "settings":
      return new PolicyInvalid(what);
    case "person":
      return new NeedsHuman(what);
  }
}

async function mint(request: MintRequest, call: Call): Promise<MintedKey> {
  const { retiring, scopes, expiresInMs } = request;
  const name = keyNameText(request.name);
  const pair = callPair();
  const body = {
    ...{ name, sealTo: pair.publicKey },
    ...(retiring !== undefined && { retiring }),
    ...(scopes !== undefined && { scopes }),
    ...(expiresInMs !== undefined && { expiresInMs }),
  };
  const { keyId, sealed, expiresAtMs } = await call("mint", body).catch((error: unknown) => {
    if (error instanceof ProviderUnavailable || error instanceof ProviderGarbled)
      throw new MintOutcomeUnknown(`no usable answer to the mint: ${error.message}`);
    throw error;
  });
  const secret = pair.open(sealed, "mint");
  if (secret === undefined) throw new MintOutcomeUnknown("the new key was not sealed to this call");
  const why = whyGuessable(secret);
  if (why !== undefined) throw new MintOutcomeUnknown(`the function made a key that can be guessed: ${why}`);
  return { keyId, secret, ...(expiresAtMs !== undefined && { expiresAtMs }) };
}

/** Longer texts and others than printable ASCII are no key. */
const keyText = /^[\x21-\x7e]{1,4096}$/;

interface Sealing {
  readonly bound: BoundFunction;
  readonly call: Call;
}

function ask(secret: Secret, { bound, call }: Sealing): Promise<Reply<"verify">> {
  return call("verify", { sealed: sealTo(bound.publicKey, { text: secret.reveal(), about: "verify" }) });
}

async function verify(secret: Secret, sealing: Sealing): Promise<VerifyResult> {
  if (!keyText.test(secret.reveal())) return "inconclusive";
  try {
    return (await ask(secret, sealing)).answer;
  } catch (error) {
    const isOpen = error instanceof ProviderUnavailable || error instanceof ProviderGarbled;
    if (isOpen || error instanceof ProviderThrottled) return "inconclusive";
    throw error;
  }
}

/** By the hints of the listing; a function that shows none may say of a working key which one it is. */
async function candidates(
  secret: Secret,
  { listed, bound, call }: Sealing & { readonly listed: () => Promise<readonly ListedKey[]> },
): Promise<readonly ListedKey[]> {
  if (!keyText.test(secret.reveal()) || whyGuessable(secret) !== undefined) return [];
  const keys = await listed();
  const hinted = keys.filter(({ hint }) => mayBe(hint, secret.reveal()));
  if (hinted.length > 0 || keys.some(({ hint }) => hint !== undefined)) return hinted;
  const { answer, keyId } = await ask(secret, { bound, call });
  return answer === "valid" ? keys.filter((key) => key.keyId === keyId) : [];
}

async function lastUse(
  { keyId, sinceMs }: { readonly keyId: string; readonly sinceMs: number },
  call: Call,
): Promise<KeyUse | undefined> {
  const { outcome, nowMs, ...use } = await call("lastUse", { keyId: pathId(keyId), sinceMs });
  if (outcome === "notThere") return undefined;
  const { lastUsedAtMs, requests } = use;
  return {
    ...{ keyId, seenAtMs: nowMs },
    ...(lastUsedAtMs !== undefined && { lastUsedAtMs }),
    ...(requests !== undefined && { requests }),
  };
}

function listingOf(call: Call): KeyListing<undefined> {
  return keyListing(kind, async (after) => {
    const { keys, next, nowMs } = await call("list", after === undefined ? {} : { after });
    const items = keys.map(
      ({ keyId, status, name, hint, owner, createdAtMs, lastUsedAtMs, expiresAtMs }) => ({
        key: {
          ...{ keyId, status, name: printable(name) },
          ...(hint !== undefined && { hint: printable(hint) }),
          ...(owner !== undefined && { owner: printable(owner) }),
          ...(createdAtMs !== undefined && { createdAtMs }),
          ...(lastUsedAtMs !== undefined && { lastUsedAtMs }),
          ...(expiresAtMs !== undefined && { expiresAtMs }),
        },
        raw: undefined,
      }),
    );
    return { items, next, dateMs: nowMs };
  });
}
