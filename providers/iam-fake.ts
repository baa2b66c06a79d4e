import type { FakeReply, FakeRequest } from "./fake.ts";
import {
  type FakeDialect,
  type FakeOptions,
  type FakeRoute,
  type ProviderFake,
  pageOf,
  providerFake,
  type RouteContext,
  type WorldKey,
} from "./fake-world.ts";

/** What is particular to one kind of key of IAM's users. */
export interface IamFakeKind {
  /** IAM's actions by what they do. */
  readonly actions: {
    readonly list: string;
    readonly mint: string;
    readonly update: string;
    readonly revoke: string;
  };
  /** The parameter that names a key. */
  readonly idField: string;
  /** The elements of the list's and the mint's results, and one member of the list. */
  readonly listElement: string;
  readonly mintElement: string;
  member(key: WorldKey): Xml;
  made(key: WorldKey): Xml;
  readonly more: readonly FakeRoute[];
  readonly dialect: Omit<FakeDialect, "routes" | "adminKey" | "settingsAt"> &
    Partial<Pick<FakeDialect, "settingsAt">>;
}

export const userName = "shop-user";
export const keysMaxPerUser = 2;

export type Xml = Readonly<Record<string, string | number | undefined>>;

/** What IAM says of keys for one service of AWS. */
export function serviceCredentialsOf(service: string, aliasIn: (text: string) => string) {
  return {
    actions: {
      list: "ListServiceSpecificCredentials",
      mint: "CreateServiceSpecificCredential",
      update: "UpdateServiceSpecificCredential",
      revoke: "DeleteServiceSpecificCredential",
    },
    idField: "ServiceSpecificCredentialId",
    listElement: "ServiceSpecificCredentials",
    mintElement: "ServiceSpecificCredential",
    member: (key: WorldKey) => ({
      ...{ ServiceSpecificCredentialId: key.keyId, ServiceName: service, Status: statusOf(key) },
      ...{ CreateDate: timeText(key.createdAtMs), ServiceCredentialAlias: aliasIn(key.text) },
      ExpirationDate: key.expiresAtMs === undefined ? undefined : timeText(key.expiresAtMs),
    }),
    made: ({ text }: WorldKey) => ({ ServiceCredentialSecret: text }),
  };
}

/** A stateful stand-in for IAM: the keys and the tags of one user. */
export function iamFake(options: FakeOptions, kind: IamFakeKind): ProviderFake {
  const tags = new Map<string, string>();
  const { list, mint, update, revoke } = kind.actions;
  const does: Readonly<
    Record<string, { readonly operation: string; answer(context: RouteContext): FakeReply }>
  > = {
    [list]: { operation: "list", answer: (context) => listKeys(context, kind) },
    [mint]: { operation: "mint", answer: (context) => createKey(context, kind) },
    [update]: {
      operation: "update",
      answer: withKey(kind, (key, { world, body }) => {
        key.disabledAtMs = body["Status"] === "Inactive" ? (key.disabledAtMs ?? world.nowMs()) : undefined;
        return done(update);
      }),
    },
    [revoke]: {
      operation: "revoke",
      answer: withKey(kind, (key, { world }) => {
        key.revokedAtMs = world.nowMs();
        return done(revoke);
      }),
    },
    TagUser: {
      operation: "tag",
      answer: ({ body }) => {
        tags.set(String(body["Tags.member.1.Key"]), String(body["Tags.member.1.Value"]));
        return done("TagUser");
      },
    },
    ListUserTags: {
      operation: "tags",
      answer: () => {
        const members = [...tags].map(([Key, Value]) => element("member", { Key, Value })).join("");
        return done("ListUserTags", `<Tags>${members}</Tags><IsTruncated>false</IsTruncated>`);
      },
    },
  };
  return providerFake(
    { keysMax: keysMaxPerUser, ...options },
    {
      settingsAt: (origin) => ({ baseUrl: origin, keyBaseUrl: origin }),
      ...kind.dialect,
      adminKey: "FAKE-role-secret-0000",
      routes: [
        ...Object.entries(does).map(
          ([action, { operation, answer }]): FakeRoute => ({
            ...{ operation, method: "POST", path: /^\/$/, as: "nobody" },
            isFor: ({ body }) => Object(body)["Action"] === action,
            answer: (context) => answerFor(context, answer),
          }),
        ),
        ...kind.more,
      ],
    },
  );
}

/** IAM answers a caller that has signed, about the one user that there is. */
function answerFor(context: RouteContext, answer: (context: RouteContext) => FakeReply): FakeReply {
  const { body, request } = context;
  if (!isSigned(request, "iam"))
    return failed(403, "MissingAuthenticationToken", "Request is missing Authentication Token");
  if (body["UserName"] !== undefined && body["UserName"] !== userName)
    return failed(404, "NoSuchEntity", "The user with name is not there.");
  return answer(context);
}

/** The stand-in does not know the role's secret; AWS checks the signature itself. */
export function isSigned({ headers }: FakeRequest, service: string): boolean {
  return new RegExp(`^AWS4-HMAC-SHA256 Credential=[^/]+/\\d{8}/[\\w-]+/${service}/aws4_request`).test(
    headers["authorization"] ?? "",
  );
}

function listKeys({ world, body }: RouteContext, { actions, listElement, member }: IamFakeKind): FakeReply {
  const start = Number(body["Marker"] ?? 0);
  const { page, nextStart } = pageOf(world.listed(), { start, size: world.pageMax });
  const members = page.map((key) => element("member", { ...member(key), UserName: userName })).join("");
  const next =
    nextStart === undefined
      ? "<IsTruncated>false</IsTruncated>"
      : `<IsTruncated>true</IsTruncated><Marker>${nextStart}</Marker>`;
  return done(actions.list, `<${listElement}>${members}</${listElement}>${next}`);
}

function createKey(context: RouteContext, { actions, mintElement, member, made }: IamFakeKind): FakeReply {
  const { world, body } = context;
  if (world.listed().length >= world.keysMax)
    return failed(409, "LimitExceeded", "Cannot exceed quota for keys of a user.");
  const days = Number(body["CredentialAgeDays"] ?? Number.NaN);
  const key = world.add({
    name: "",
    ...(Number.isFinite(days) && { expiresAtMs: world.nowMs() + days * 24 * 60 * 60_000 }),
  });
  return done(actions.mint, element(mintElement, { ...member(key), ...made(key), UserName: userName }));
}

function withKey(
  { idField }: IamFakeKind,
  answer: (key: WorldKey, context: RouteContext) => FakeReply,
): (context: RouteContext) => FakeReply {
  return (context) => {
    const key = context.world.listedKey(String(context.body[idField]));
    if (key === undefined) return failed(404, "NoSuchEntity", "The key is not there.");
    return answer(key, context);
  };
}

export function timeText(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d{3}Z$/, "Z");
}

export function statusOf({ disabledAtMs }: WorldKey): string {
  return disabledAtMs === undefined ? "Active" : "Inactive";
}

/** An answer of AWS's query protocol. */
export function done(action: string, result?: string): FakeReply {
  const inner = result === undefined ? "" : `<${action}Result>${result}</${action}Result>`;
  const meta = "<ResponseMetadata><RequestId>FAKE</RequestId></ResponseMetadata>";
  const xmlns = "https://iam.amazonaws.com/doc/2010-05-08/";
  return xml(200, `<${action}Response xmlns="${xmlns}">${inner}${meta}</${action}Response>`);
}

function failed(status: number, code: string, message: string): FakeReply {
  const error = element("Error", { Type: "Sender", Code: code, Message: message });
  return xml(status, `<ErrorResponse>${error}<RequestId>FAKE</RequestId></ErrorResponse>`);
}

function xml(status: number, body: string): FakeReply {
  return { status, headers: { "content-type": "text/xml" }, body };
}

export function element(name: string, children: Xml): string {
  const inner = Object.entries(children).map(([child, value]) =>
    value === undefined ? "" : `<${child}>${escaped(String(value))}</${child}>`,
  );
  return `<${name}>${inner.join("")}</${name}>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
