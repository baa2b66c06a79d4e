import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { assertNothingDropped, configuredBy, dropped } from "../../serverless/configured.ts";
import { readDeployment, settingsOf } from "../../serverless/deployment.ts";
import { deployment } from "./deployment.ts";

const where = { stage: "production", region: "eu-central-1" };
const read = (settings: unknown) => readDeployment({ ...where, settings });

test("a file that says nothing gives the defaults", () => {
  expect(read(undefined)).toEqual(deployment);
  expect(read({})).toEqual(deployment);
});

test("the example says nothing but the defaults, and shows every setting that is known", () => {
  expect(read(settingsOf("example"))).toEqual(deployment);
  const text = readFileSync(new URL("../../stages/example.yml", import.meta.url), "utf8");
  const shown = [...text.matchAll(/^(?:# )?(\w+):(?: |$)/gm)].map(([, name = ""]) => name);
  const known = Object.keys(deployment).filter((name) => !["environment", "region"].includes(name));
  expect(shown).toEqual(expect.arrayContaining(known));
});

test("each source of alerts has the secret that it signs with", () => {
  const arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rekey/intake/github-FAKE01";
  expect(read({ intakeSecrets: { github: arn } }).intakeSecrets).toEqual({ github: arn });
});

const version = { codeSha256: `${"FAKE".repeat(10)}FAK=`, publicKey: `${"FAKE".repeat(10)}FAK` };

test.each([
  ["secrets", ["*"]],
  ["secrets", ["api-*-keys"]],
  ["secrets", "api-keys/*"],
  ["adminSecrets", ["*"]],
  ["consumerAccounts", ["*"]],
  ["consumerAccounts", ["11112222333"]],
  ["workloadRoles", { "444455556666": "rekey-workloads" }],
  ["workloadRoles", { "444455556666": "arn:aws:iam::111122223333:role/rekey-workloads" }],
  ["refreshAllowed", ["arn:aws:ecs:eu-central-1:123456789012:service/*"]],
  ["providerHosts", ["*.example.com"]],
  ["providerHosts", [".example.com"]],
  ["providerHosts", ["https://gateway.example.com"]],
  ["providerFunctions", { "arn:aws:lambda:eu-central-1:123456789012:function:f:live": version }],
  ["providerFunctions", { "arn:aws:lambda:eu-central-1:123456789012:function:f:7": { codeSha256: "x" } }],
  ["iamUsers", ["bedrock/*"]],
  ["iamUsers", ["/bedrock/search"]],
  ["refreshAllowed", ["arn:aws:iam::123456789012:role/FAKE"]],
  ["secretKeys", ["alias/secrets"]],
  ["intakeSecrets", { github: "rekey/intake/github" }],
  ["slackSecret", "https://hooks.slack.com/FAKE"],
  ["docsUrl", "http://example.com/docs/"],
  ["auditLockMode", "NONE"],
  ["auditLockDays", 179],
  ["logRetentionDays", 150],
  ["logRetentionDays", 200],
  ["intakeConcurrency", 0],
  ["rolePath", "platform"],
  ["permissionsBoundary", "platform-boundary"],
  ["consumerAcounts", ["111122223333"]],
])("%s: %j is refused, and the message says which setting it was", (name, value) => {
  expect(() => read({ [name]: value })).toThrow(name);
});

describe("destinations", () => {
  const token = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rekey/places/ci-FAKE01";
  const ci = { kind: "github-actions", repository: "acme/shop", environment: "production", token };

  test("are kept as they are given", () => {
    expect(read({ destinations: { ci } }).destinations).toEqual({ ci });
  });

  test("say whose copies they take", () => {
    const bound = { ...ci, consumers: ["shop", "mail"] };
    expect(read({ destinations: { ci: bound } }).destinations).toEqual({ ci: bound });
    expect(() => read({ destinations: { ci: { ...ci, consumers: [] } } })).toThrow("destinations.ci");
  });

  test.each<[string, unknown]>([
    ["of no known kind", { ...ci, kind: "fax" }],
    ["without an environment, where that is not said", { kind: ci.kind, repository: ci.repository, token }],
    ["with an unknown setting", { ...ci, evnironment: "production" }],
    ["without a token", { kind: ci.kind, repository: ci.repository, environment: "production" }],
  ])("%s are refused by name", (_what, place) => {
    expect(() => read({ destinations: { ci: place } })).toThrow("destinations.ci");
  });

  test("that would not fit into a function's environment are refused", () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, nth) => [`ci-${nth}`, ci]));
    expect(() => read({ destinations: many })).toThrow("2000 bytes");
  });
});

test("every mistake is said at once", () => {
  const both = { auditLockMode: "NONE", docsUrl: "http://example.com" };
  expect(() => read(both)).toThrow(/docsUrl.*auditLockMode/);
});

test("a stage that would not fit into the names of roles is refused", () => {
  const stage = "Production of the whole company";
  expect(() => readDeployment({ ...where, stage, settings: {} })).toThrow("the stage");
});

describe("the file of a stage", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rekey-stages-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("is read by the stage's name", () => {
    writeFileSync(join(folder, "dev.yml"), "secrets: [dev-keys/*]\n");
    expect(settingsOf("dev", pathToFileURL(`${folder}/`))).toEqual({ secrets: ["dev-keys/*"] });
  });

  test("has to be there, because a deployment without it would reset what the last one set", () => {
    expect(() => settingsOf("dev", pathToFileURL(`${folder}/`))).toThrow("copy stages/example.yml");
  });
});

describe("what the stack serves now", () => {
  const arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rekey/x-FAKE01";
  const accounts = { consumerAccounts: ["444455556666"] };
  const before = read({ intakeSecrets: { github: arn, report: arn }, slackSecret: arn, ...accounts });
  const deployed = JSON.stringify(configuredBy(before));

  test("is compared by name: sources, channels and accounts", () => {
    const lost = ["github", "report", "slack", "444455556666"];
    expect(dropped(configuredBy(before), { after: configuredBy(read({})), asked: [] })).toEqual(lost);
    expect(dropped(configuredBy(before), { after: configuredBy(before), asked: [] })).toEqual([]);
  });

  test("is not dropped by an oversight", () => {
    const after = read({ intakeSecrets: { report: arn }, slackSecret: arn, ...accounts });
    expect(() => assertNothingDropped(deployed, { deployment: after, drop: "" })).toThrow(
      /would drop github,.* put it back into stages\/production.yml, or say so by name: --param drop=github$/,
    );
  });

  test("is dropped when that is asked for by name, and the first deployment drops nothing", () => {
    const drop = "github,report,slack,444455556666";
    expect(() => assertNothingDropped(deployed, { deployment: read({}), drop })).not.toThrow();
    expect(() => assertNothingDropped(undefined, { deployment: read({}), drop: "" })).not.toThrow();
  });
});

describe("a sealed kit", () => {
  const [anna, ben] = ["q", "p"].map((letter) => `age1${letter.repeat(58)}`);
  const read = (sealedKit: object, region = "eu-central-1") =>
    readDeployment({ stage: "production", region, settings: { sealedKit } });
  const given = { groups: [[anna], [ben]], bucket: "shop-rekey-kits", region: "eu-west-1" };

  test("takes two people who are not the same, and a bucket in another Region", () => {
    expect(read(given).sealedKit).toEqual(given);
    expect(() => read({ ...given, groups: [[anna], [ben, anna]] })).toThrow("nobody may be in both groups");
    expect(() => read({ ...given, groups: [[anna], []] })).toThrow("sealedKit.groups.1");
    expect(() => read({ ...given, groups: [[anna], ["AGE-SECRET-KEY-1FAKE"]] })).toThrow(
      "public key of an age",
    );
    expect(() => read(given, "eu-west-1")).toThrow("another Region than the deployment");
  });
});
