import { readdirSync, readFileSync } from "node:fs";
import { resolveStack } from "../../local/stack/resolve.ts";
import { deployment } from "./deployment.ts";
import { rendered, resource } from "./packaged.ts";

const repository = new URL("../../", import.meta.url);

/** These have one name in the whole account, whatever the Region; a bucket in the whole world. */
const withoutRegion = [
  ...["AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::CloudWatch::Dashboard", "AWS::S3::Bucket"],
];

function globalNames(region: string): readonly string[] {
  const place = {
    ...{ partition: "aws", region, account: "123456789012", stackName: "rekey-production", url: "http://x" },
    stackId: `arn:aws:cloudformation:${region}:123456789012:stack/rekey-production/0a1b`,
  };
  return [...resolveStack(rendered({ ...deployment, region }), place).values()]
    .filter(({ type }) => withoutRegion.includes(type))
    .map(({ ref }) => ref);
}

test("one stage stands in two Regions of an account: no name that has no Region is taken twice", () => {
  const names = [...globalNames("eu-central-1"), ...globalNames("us-east-1")];
  expect(names.length).toBeGreaterThan(80);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test("the ledger can be deleted by a first deployment that fails, and not once the stage's file protects it", () => {
  const isProtected = (protectLedger: boolean) =>
    resource(rendered({ ...deployment, protectLedger }), "Ledger").Properties["DeletionProtectionEnabled"];
  expect([isProtected(false), isProtected(true)]).toEqual([false, true]);
});

test("no page shows a parameter that the next deployment would forget: settings stand in the stage's file", () => {
  const pages = ["docs/", "terraform/", "."].flatMap((folder) =>
    readdirSync(new URL(folder === "." ? "" : folder, repository))
      .filter((file) => file.endsWith(".md") && file !== "CHANGELOG.md")
      .map((file) => new URL(folder === "." ? file : `${folder}${file}`, repository)),
  );
  const shown = pages.flatMap((page) =>
    [...readFileSync(page, "utf8").matchAll(/--param[ =]\S+/g)].map(([text]) => text.replace(/`.*$/, "")),
  );
  expect(shown.length).toBeGreaterThan(0);
  expect(shown.filter((text) => !text.startsWith("--param drop="))).toEqual([]);
});
