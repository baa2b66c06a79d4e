import { type Held, heldIn, type Power, powersIn, type Targets, targetsIn } from "../cli/powers.ts";
import type { Resources } from "../cli/template.ts";

/** What a power is to whoever took the function over. */
const worth: Readonly<Record<Power, string>> = {
  read: "read the keys of rotated secrets",
  decrypt: "decrypt through Secrets Manager",
  stage: "put a value as a pending version",
  promote: "move labels: make another version current",
  provider: "make and revoke keys at the provider",
  record: "write its own kinds of ledger items",
  sign: "sign checkpoints or certificates",
  order: "give orders through the admin URL",
};

/** By function and managed policy, what whoever took it over could do: read from the rendered roles. */
export function powersPage(resources: Resources): string {
  const held = heldIn(resources);
  const named = targetsIn(held);
  const targets: Targets = {
    ...{ read: named.read, stage: named.read, promote: named.read, provider: named.provider },
    ...{ record: ["{Ledger}"], order: ["{AdminLambdaFunction}"] },
  };
  const rows = held
    .map((each) => ({
      name: nameOf(each),
      can: powersIn(each.statements, targets).map(({ power }) => worth[power]),
    }))
    .sort((one, other) => other.can.length - one.can.length || one.name.localeCompare(other.name));
  const idle = rows.filter(({ can }) => can.length === 0).map(({ name }) => name);
  return [
    "| taken over | could |",
    "|---|---|",
    ...rows.filter(({ can }) => can.length > 0).map(({ name, can }) => `| ${name} | ${can.join("; ")} |`),
    "",
    `None of these: ${idle.join(", ")}.`,
  ].join("\n");
}

function nameOf({ name }: Held): string {
  const [kind, own = ""] = name.split("/");
  return kind === "policy" ? `whoever has \`${own}\`` : `\`${own.replace(/^rekey-[\w-]+?-\*-/, "")}\``;
}
