import OpenAI, { APIError, AuthenticationError, NotFoundError, PermissionDeniedError } from "openai";
import { openaiFake } from "../../providers/openai/fake.ts";
import { SETTINGS } from "./openai-world.ts";

// OpenAI's own client reads and writes what OpenAI's API does: where the stand-in differs from it, these tests break,
// and so would everybody who trusts what Rekey was tried against.

const { project, serviceAccount } = SETTINGS;
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function opened(options: Parameters<typeof openaiFake>[0] = {}) {
  const fake = openaiFake({ now: Date.now, ...options });
  const { url, close } = await fake.listen();
  closing.push(close);
  const clientWith = (credentials: { readonly adminAPIKey?: string; readonly apiKey?: string }) =>
    new OpenAI({
      apiKey: null,
      adminAPIKey: null,
      baseURL: url,
      maxRetries: 0,
      logLevel: "off",
      ...credentials,
    });
  const admin = clientWith({ adminAPIKey: fake.adminKey });
  return { fake, keys: admin.admin.organization.projects, clientWith };
}

async function failureOf(work: Promise<unknown>): Promise<APIError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof APIError) return error;
  throw new Error(`not refused by the API: ${String(error)}`);
}

test("OpenAI's client makes a key, lists it, uses it, deletes it and sees it dead", async () => {
  const { fake, keys, clientWith } = await opened();
  const made = await keys.serviceAccounts.apiKeys.create(serviceAccount, {
    project_id: project,
    name: "rekey/r-1",
    scopes: ["api.model.read", "api.model.request"],
  });
  expect(made).toEqual({
    id: expect.stringMatching(/^key_/),
    object: "organization.project.service_account.api_key",
    created_at: expect.any(Number),
    name: "rekey/r-1",
    value: expect.stringMatching(/^sk-/),
  });

  const program = clientWith({ apiKey: made.value });
  const models = [];
  for await (const model of program.models.list()) models.push(model);
  const model = { object: "model", id: expect.any(String), owned_by: expect.any(String) };
  expect(models).toContainEqual({ ...model, created: expect.any(Number) });

  expect(await keys.apiKeys.delete(made.id, { project_id: project })).toEqual({
    ...{ id: made.id, object: "organization.project.api_key.deleted", deleted: true },
  });
  const dead = await failureOf(program.models.list());
  expect(dead).toBeInstanceOf(AuthenticationError);
  expect(dead).toMatchObject({ status: 401, code: "invalid_api_key" });
  const gone = await failureOf(keys.apiKeys.retrieve(made.id, { project_id: project }));
  expect(gone).toBeInstanceOf(NotFoundError);
  expect(fake.state()).toMatchObject([{ keyId: made.id, isListed: false, isAccepted: false }]);
});

test("OpenAI's client walks through the pages, and finds in each key all that its types promise", async () => {
  const { fake, keys } = await opened({ pageMax: 2 });
  const byHand = (index: number) => fake.addKey({ name: `by hand ${index}`, owner: "user-FAKE" }).keyId;
  const seeded = Array.from({ length: 5 }, (_, index) => byHand(index));
  const { id } = await keys.serviceAccounts.apiKeys.create(serviceAccount, {
    project_id: project,
    name: "made",
  });

  const listed = [];
  for await (const key of keys.apiKeys.list(project, { owner_project_access: "any" })) listed.push(key);

  expect(listed.map((key) => key.id)).toEqual([...seeded, id]);
  const owner = { id: expect.any(String), created_at: expect.any(Number), name: expect.any(String) };
  for (const key of listed)
    expect(key).toEqual({
      ...{ object: "organization.project.api_key", id: expect.any(String), name: expect.any(String) },
      ...{ created_at: expect.any(Number), last_used_at: null, owner_project_access: "active" },
      redacted_value: expect.stringMatching(/^sk-.*\.\.\./),
      owner:
        key.owner.type === "user"
          ? { type: "user", user: { ...owner, email: expect.any(String), role: expect.any(String) } }
          : { type: "service_account", service_account: { ...owner, role: expect.any(String) } },
    });
  expect(await keys.apiKeys.retrieve(id, { project_id: project })).toEqual(listed.at(-1));
  expect(await keys.serviceAccounts.retrieve(serviceAccount, { project_id: project })).toEqual({
    ...{ object: "organization.project.service_account", id: serviceAccount, name: expect.any(String) },
    ...{ role: "member", created_at: expect.any(Number) },
  });
});

test("OpenAI's client tells a key without the scope and an admin key out of place from a dead one", async () => {
  const { fake, keys, clientWith } = await opened();
  const narrow = fake.addKey({ owner: serviceAccount, scopes: ["api.model.request"] });
  const program = clientWith({ apiKey: narrow.secret.reveal() });
  expect(await failureOf(program.models.list())).toBeInstanceOf(PermissionDeniedError);

  const noAdmin = clientWith({ adminAPIKey: narrow.secret.reveal() }).admin.organization.projects;
  expect(await failureOf(noAdmin.apiKeys.list(project))).toBeInstanceOf(PermissionDeniedError);
  expect(await failureOf(keys.apiKeys.list("proj_OTHER"))).toBeInstanceOf(NotFoundError);
});

test("OpenAI's client waits as long as the stand-in's 429 says, and gets through", async () => {
  const { fake, clientWith } = await opened();
  const key = fake.addKey({ name: "by hand" });
  fake.inject({ kind: "throttled", retryAfterS: 1 });
  const patient = clientWith({ apiKey: key.secret.reveal() }).withOptions({ maxRetries: 1 });

  const startedAt = performance.now();
  await patient.models.list();
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(900);
  expect(fake.counters().byOperation["models"]).toBe(2);
});
