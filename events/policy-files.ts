import { orderedText } from "../core/apply-plan.ts";
import type { Federated } from "../core/federated.ts";
import type { IssueTemplate } from "../core/issue/template.ts";
import type { Policy, ProviderPolicy } from "../core/policy.ts";
import { lockedOut } from "./policy-file/admin-credential.ts";
import type { Path, PlacedMessage } from "./policy-file/document.ts";
import { type DeclaredWorld, type PolicyData, type PolicyFile, policiesIn } from "./policy-file.ts";

/** Several files for one environment: each is whole by itself, and owns the secrets that it declares. */
export interface PolicyFiles {
  readonly names: readonly string[];
  readonly environment: string;
  readonly policies: readonly Policy[];
  readonly templates: readonly IssueTemplate[];
  readonly federated: readonly Federated[];
}

export interface MistakeInFile extends PlacedMessage {
  readonly path: string;
}

export interface PolicyFilesRefused {
  readonly mistakes: readonly MistakeInFile[];
}

export interface FileData extends PolicyData {
  readonly path: string;
}

/** The policies of these files, or everything that is wrong in any of them. */
export function policiesInFiles(
  files: readonly FileData[],
  declared: DeclaredWorld,
): PolicyFiles | PolicyFilesRefused {
  return joined(files.map((file) => ({ path: file.path, read: policiesIn(file, declared) })));
}

interface ReadFile {
  readonly path: string;
  readonly read: PolicyFile | { readonly mistakes: readonly PlacedMessage[] };
}

export function joined(files: readonly ReadFile[]): PolicyFiles | PolicyFilesRefused {
  const sound = files.flatMap(({ path, read }) => ("mistakes" in read ? [] : [{ path, ...read }]));
  const within = files.flatMap(({ path, read }) =>
    "mistakes" in read ? read.mistakes.map((mistake) => ({ path, ...mistake })) : [],
  );
  const mistakes = [...within, ...sound.flatMap((file, index) => clashes(file, sound.slice(0, index)))];
  if (mistakes.length > 0) return { mistakes };
  return {
    names: sound.map(({ name }) => name),
    environment: sound[0]?.environment ?? "",
    policies: sound.flatMap(({ policies }) => policies),
    templates: sound.flatMap(({ templates }) => templates),
    federated: sound.flatMap(({ federated }) => federated),
  };
}

type SoundFile = PolicyFile & { readonly path: string };

/** What this file says that a file before it contradicts. */
function clashes(file: SoundFile, before: readonly SoundFile[]): readonly MistakeInFile[] {
  const at = (path: Path, part: "key" | "value", message: string): MistakeInFile => ({
    ...{ path: file.path, ...file.placeOf(path, part) },
    message: `${path.map(String).join(".")}: ${message}`,
  });
  const [first] = before;
  if (first === undefined) return [];
  const named = before.find(({ name }) => name === file.name);
  return [
    ...(named === undefined
      ? []
      : [
          at(
            ["name"],
            "value",
            `${named.path} is called ${file.name} too: give one of them another \`name\``,
          ),
        ]),
    ...(first.environment === file.environment
      ? []
      : [
          at(
            ["environment"],
            "value",
            `${first.path} is for ${first.environment}: apply each environment by itself`,
          ),
        ]),
    ...file.providers.flatMap((provider) => {
      const other = before.find((each) => isDeclaredOtherwise(provider, each));
      const message = `${other?.path} has other settings for this account: one name is one account`;
      return other === undefined ? [] : [at(["providers", provider.account], "key", message)];
    }),
    ...file.providers.flatMap(({ account, adminCredential }) => {
      const rotated = before.find(({ policies }) =>
        policies.some((one) => one.secretArn === adminCredential && one.isAdminCredential !== true),
      );
      const message = `${rotated?.path} rotates this secret: Rekey would lock itself out`;
      return rotated === undefined ? [] : [at(["providers", account, "adminCredential"], "value", message)];
    }),
    ...file.templates.flatMap(({ name }) => {
      const other = before.find(({ templates }) => templates.some((each) => each.name === name));
      return other === undefined
        ? []
        : [at(["templates", name], "key", `${other.path} has a template of this name already`)];
    }),
    ...[...file.policies, ...file.federated].flatMap(({ name }) => {
      const other = before.find(({ policies, federated }) => {
        const has = (one: { readonly name: string }) => one.name === name;
        return federated.some(has) || (policies.some(has) && file.federated.some(has));
      });
      return other === undefined
        ? []
        : [at(["secrets", name], "key", `${other.path} has a secret of this name already`)];
    }),
    ...file.policies.flatMap((policy) => clashesOfSecret(policy, { file, before, at })),
  ];
}

function isDeclaredOtherwise(provider: ProviderPolicy, { providers }: SoundFile): boolean {
  const same = providers.find(({ account }) => account === provider.account);
  return same !== undefined && orderedText(same) !== orderedText(provider);
}

interface Clashing {
  readonly file: SoundFile;
  readonly before: readonly SoundFile[];
  at(path: Path, part: "key" | "value", message: string): MistakeInFile;
}

function clashesOfSecret(
  { name, secretArn, isAdminCredential }: Policy,
  { file, before, at }: Clashing,
): readonly MistakeInFile[] {
  const namesake = before.find(({ policies }) => policies.some((policy) => policy.name === name));
  const same = before.find(({ policies }) => policies.some((policy) => policy.secretArn === secretArn));
  const admin = [...before, file].find(({ providers }) =>
    providers.some(({ adminCredential }) => adminCredential === secretArn),
  );
  const path: Path = ["secrets", name, "arn"];
  return [
    ...(namesake === undefined
      ? []
      : [at(["secrets", name], "key", `${namesake.path} has a secret of this name already`)]),
    ...(same === undefined
      ? []
      : [at(path, "value", `${same.path} has this secret already: one policy for each`)]),
    ...(admin === undefined || isAdminCredential === true
      ? []
      : [at(path, "value", lockedOut(`an admin credential of ${admin.path}`).message)]),
  ];
}
