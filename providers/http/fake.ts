import { createHash } from "node:crypto";
import type { FakeReply, FakeRequest } from "../fake.ts";
import {
  type FakeOptions,
  type FakeRoute,
  fakeText,
  json,
  type ProviderFake,
  providerFake,
  type RouteContext,
  seededRandom,
  type WorldKey,
} from "../fake-world.ts";
import { valueAt } from "../verify-table.ts";
import type { DeclaredRequest } from "./declaration.ts";
import { answerOf, listReply, mintReply, saying } from "./fake-replies.ts";
import type { Plan } from "./plan.ts";
import { callOf } from "./request.ts";
import {
  credentialValues,
  filledHeaders,
  filledJson,
  type HeaderTemplate,
  isList,
  soleVariable,
  type TemplateJson,
  variablesIn,
} from "./template.ts";

const adminKey = "admin-FAKE-user:admin-FAKE-secret";
const adminToken = "token-FAKE-0000000000";

/** What the declared API looks like from its other side: a stateful stand-in that speaks what the declaration says. */
export function declaredFake(
  plan: Plan,
  own: { readonly keyPrefix?: string; readonly numericIds?: boolean } = {},
) {
  const { declaration } = plan;
  const prefix = declaration.newSecret?.prefix ?? own.keyPrefix ?? "";
  const textOf = (number: number) => keyText({ plan, prefix, number, ...own });

  return (options: FakeOptions = {}): ProviderFake =>
    providerFake(options, {
      adminKey,
      ...(declaration.token !== undefined && { adminToken }),
      credentialOf: (request) => credentialIn(request, plan),
      refused: ({ as }) =>
        as === "key"
          ? saying("refused", declaration.verify.table)
          : json(401, { error: { message: "no such credential" } }),
      consumer: { path: consumerPath, header: "authorization", scheme: "Bearer " },
      settingsAt: (origin) => ({ baseUrl: origin, keyBaseUrl: origin, tokenBaseUrl: origin }),
      keyIdOf: (number) => keyIdOf({ plan, number, text: textOf(number), ...own }),
      textOf,
      routes: routesOf(plan),
    });
}

/** A path that no declaration has. */
const consumerPath = "/a-consumers-call";

interface Numbered {
  readonly plan: Plan;
  readonly number: number;
  readonly numericIds?: boolean;
}

function keyIdOf({ plan, number, text, numericIds }: Numbered & { readonly text: string }): string {
  const { keyId, sha256 } = plan.declaration.list;
  if (keyId === sha256) return createHash("sha256").update(text).digest("hex");
  return numericIds === true ? String(7000 + number) : plainId(number);
}

const plainId = (number: number) => `FAKEid${String(number).padStart(6, "0")}`;

/** A text that holds the key's id where the declaration says so. */
function keyText({ plan, number, prefix }: Numbered & { readonly prefix: string }): string {
  const tail = fakeText("FAKE", { number, random: seededRandom(number), length: 24 });
  const { mint, list } = plan.declaration;
  if (typeof mint.secret !== "string") {
    const { parts, joinedBy } = mint.secret;
    return parts.map((at, nth) => (at === mint.keyId ? plainId(number) : `${tail}${nth}`)).join(joinedBy);
  }
  return list.idInKey === true ? `${prefix}${plainId(number)}.${tail}` : `${prefix}${tail}`;
}

// ---- credentials -----------------------------------------------------------------------------------------

/** Reads the credential out of the headers, which are filled-in templates. */
function credentialIn(request: FakeRequest, plan: Plan): string {
  if (request.path === consumerPath) return (request.headers["authorization"] ?? "").slice("Bearer ".length);
  const { verify, admin } = plan.declaration;
  const isVerify = request.method === verify.method && pathPattern(verify.path).test(request.path);
  const isAlsoList = isVerify && pathPattern(plan.declaration.list.path).test(request.path);
  if (isAlsoList) throw new Error("the stand-in cannot tell the verification from the listing");
  return credentialFrom(request, isVerify ? verify.headers : admin.headers);
}

function credentialFrom(
  { headers }: FakeRequest,
  templates: Readonly<Record<string, HeaderTemplate>>,
): string {
  const found = new Map<string, string>();
  for (const [name, template] of Object.entries(templates)) {
    const sent = headers[name.toLowerCase()] ?? "";
    const text = typeof template === "string" ? template : template.basic;
    const given =
      typeof template === "string" ? sent : Buffer.from(sent.replace("Basic ", ""), "base64").toString();
    const [variable] = variablesIn(text);
    const before = text.slice(0, text.indexOf("{{"));
    if (variable !== undefined && given.startsWith(before)) found.set(variable, given.slice(before.length));
  }
  const [first = "", second] = found.values();
  return second === undefined ? first : `${first}:${second}`;
}

// ---- routes ----------------------------------------------------------------------------------------------

function pathPattern(path: string): RegExp {
  const segments = path.split("/").map((segment) =>
    segment
      .split(/(\{\{[^}]*\}\})/)
      .map((part) => {
        if (part === "{{keyId}}") return "(?<keyId>[^/]+)";
        return part.startsWith("{{") ? "[^/]+" : part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
      })
      .join(""),
  );
  return new RegExp(`^${segments.join("/")}$`);
}

function routesOf(plan: Plan): readonly FakeRoute[] {
  const { mint, list, verify, revoke, quarantine, token } = plan.declaration;
  const admin = (
    operation: string,
    request: { method: string; path: string },
    answer: FakeRoute["answer"],
  ) => ({
    ...{ operation, method: request.method, path: pathPattern(request.path) },
    ...{ as: "admin" as const, answer },
  });
  return [
    ...(token === undefined
      ? []
      : [{ ...admin("token", token, ({ request }) => tokenReply(request, plan)), as: "nobody" as const }]),
    admin("mint", mint, (context) => {
      const key = made(context, plan);
      return key === undefined ? json(400, { error: { message: "this key exists" } }) : mintReply(key, plan);
    }),
    admin("list", list, ({ world, request }) => listReply(world, request, plan)),
    admin("revoke", revoke, (context) => ended(context, plan)),
    ...(["disable", "restore"] as const).flatMap((how) =>
      quarantine === undefined ? [] : [admin(how, quarantine[how], (context) => switched(context, plan))],
    ),
    {
      ...admin("verify", verify, () => saying("valid", verify.table)),
      as: "key",
    },
    {
      ...{ operation: "use", method: "POST", path: new RegExp(`^${consumerPath}$`), as: "key" },
      answer: () => json(200, {}),
    },
  ];
}

/** Only the filled-in credential is exchanged. */
function tokenReply({ headers, body }: FakeRequest, { declaration, parameters }: Plan): FakeReply {
  const { token } = declaration;
  if (token === undefined) return json(404, {});
  const values = { ...parameters, ...credentialValues("admin", adminKey) };
  const wanted = filledJson(token.form ?? token.body ?? {}, values);
  const isRight =
    JSON.stringify(wanted) === JSON.stringify(body ?? {}) &&
    Object.entries(filledHeaders(token.headers, values)).every(
      ([name, value]) => headers[name.toLowerCase()] === value,
    );
  return isRight ? json(200, answerOf([{ at: token.at, is: [adminToken] }])) : json(401, {});
}

/** Undefined when the text that was asked for is a key already. */
function made({ world, body }: RouteContext, { declaration }: Plan): WorldKey | undefined {
  const { mint, list } = declaration;
  const read = (variable: string) => {
    const at = pointerTo(variable, mint.form ?? mint.body ?? {});
    const value = at === undefined ? undefined : valueAt(body, at);
    return typeof value === "string" ? value : undefined;
  };
  const name = read("name") ?? read("nameWord") ?? "unnamed";
  const text = read("key");
  if (text === undefined) return world.add({ name });
  const isTaken = [...world.keys.values()].some((key) => key.text === text);
  if (isTaken) return undefined;
  const isById = list.keyId === list.sha256;
  return world.add({ name, text, ...(isById && { keyId: createHash("sha256").update(text).digest("hex") }) });
}

function keyOf({ at, body }: RouteContext, template: TemplateJson): string {
  const pointer = pointerTo("keyId", template);
  return at["keyId"] ?? String(pointer === undefined ? "" : valueAt(body, pointer));
}

function ended(context: RouteContext, { declaration }: Plan): FakeReply {
  const { revoke } = declaration;
  const key = context.world.listedKey(keyOf(context, revoke.form ?? revoke.body ?? {}));
  if (key === undefined && revoke.lookFirst !== true) return notFound();
  if (key !== undefined) key.revokedAtMs = context.world.nowMs();
  return revoke.confirmed === undefined && revoke.method === "DELETE"
    ? { status: 204, headers: {}, body: "" }
    : json(200, answerOf(revoke.confirmed ?? []));
}

/** The two calls may differ in their body only. */
function switched(context: RouteContext, { declaration, parameters }: Plan): FakeReply {
  const { disable, restore } = declaration.quarantine ?? {};
  if (disable === undefined || restore === undefined) return notFound();
  const { method, path, body } = context.request;
  const asks = (request: DeclaredRequest) => {
    const keyId = keyOf(context, request.form ?? request.body ?? {});
    const { path: wanted, body: content, form } = callOf(request, { ...parameters, keyId });
    const isSame = JSON.stringify(form ?? content ?? {}) === JSON.stringify(body ?? {});
    return request.method === method && wanted.split("?")[0] === path && isSame ? keyId : undefined;
  };
  const [toDisable, toRestore] = [asks(disable), asks(restore)];
  const key = context.world.listedKey(toDisable ?? toRestore ?? "");
  if (key === undefined) return notFound();
  if (toDisable === undefined) key.disabledAtMs = undefined;
  else key.disabledAtMs ??= context.world.nowMs();
  return json(200, {});
}

const notFound = () => json(404, { error: { message: "no such key" } });

/** Where a template has nothing but this variable, as a JSON pointer. */
function pointerTo(variable: string, template: TemplateJson): string | undefined {
  if (typeof template === "string") return soleVariable(template) === variable ? "" : undefined;
  if (typeof template !== "object" || template === null) return undefined;
  const entries = isList(template)
    ? template.map((each, nth) => [String(nth), each] as const)
    : Object.entries(template);
  for (const [name, each] of entries) {
    const inside = pointerTo(variable, each);
    if (inside !== undefined) return `/${name}${inside}`;
  }
  return undefined;
}
