import { CliFailure, exitCodes } from "../../cli/command.ts";
import { partMax } from "../../functions/admin/apply/view.ts";
import { type AdminWorld, adminWorld, fileWith } from "../contract/admin-world.ts";
import { rekey } from "./cli-world.ts";

const many = partMax + 7;
const names = Array.from({ length: many }, (_, index) => `s-${index}`);

function filesWith(secrets: readonly string[]) {
  return { "rekey.yml": fileWith({ secrets: Object.fromEntries(secrets.map((name) => [name, ""])) }) };
}

function worldWithMany() {
  const world = adminWorld();
  for (const name of names) world.secret(name);
  return world;
}

/** How many schedules each request reads: in AWS every one of them is a call. */
function countReads({ schedules }: AdminWorld): readonly number[] {
  const counts: number[] = [];
  const { list } = schedules;
  schedules.list = async (isWanted) => {
    const found = await list(isWanted);
    counts.push(found.length);
    return found;
  };
  return counts;
}

test("many secrets are applied in parts, and each part reads its own schedules alone", async () => {
  const world = worldWithMany();
  const files = filesWith(names);
  const first = await rekey(world, "apply --json", { files });
  expect(first.err).toBe(`${many - partMax} secrets still to come`);
  expect(first.json()).toMatchObject({ outcome: "applied" });
  expect((first.json()["secrets"] as readonly object[]).length).toBe(many);
  expect(world.schedules.stored.size).toBe(many);

  const counts = countReads(world);
  await rekey(world, "apply", { files });
  expect(counts).toEqual([partMax, many - partMax]);
});

test("the plan of a dry run in parts is whole, and says each thing once", async () => {
  const world = worldWithMany();
  const shown = await rekey(world, "apply --dry-run --json", { files: filesWith(names) });
  const plan = shown.json()["plan"] as readonly { readonly kind: string; readonly name: string }[];
  const policies = names.map(() => "policy");
  expect(plan.map(({ kind }) => kind)).toEqual([...policies, ...names.map(() => "schedule")]);
  expect(plan.slice(0, many).map(({ name }) => name)).toEqual(names);
  expect(world.schedules.writes).toBe(0);
});

test("schedules of removed and of unknown secrets go, whichever part they are in", async () => {
  const world = worldWithMany();
  await rekey(world, "apply", { files: filesWith(names) });
  const [[, known] = []] = [...world.schedules.stored];
  if (known === undefined) throw new Error("no schedule");
  world.schedules.stored.set("foreign", { ...known, name: "foreign", secretArn: `${known.secretArn}-x` });
  world.schedules.stored.set("double", { ...known, name: "double" });
  const left = names.slice(0, -3);
  const pruned = await rekey(world, "apply --prune", { files: filesWith(left) });
  expect(pruned.code).toBe(0);
  expect(world.schedules.stored.size).toBe(left.length);
  expect((await world.ledger.policies()).length).toBe(left.length);
});

test("a part that the function did not answer is asked for again, a few times", async () => {
  const world = worldWithMany();
  let calls = 0;
  const cutOff = (isOff: (call: number) => boolean): AdminWorld => ({
    ...world,
    send: async (body) => {
      calls += 1;
      // The function works on after its caller has lost it.
      const answer = await world.send(body);
      if (isOff(calls)) throw new CliFailure("answered 502", { exitCode: exitCodes.unreachable });
      return answer;
    },
  });
  const files = filesWith(names);
  const shown = await rekey(
    cutOff((call) => call === 2),
    "apply --json",
    { files },
  );
  expect(shown.code).toBe(0);
  expect(shown.err).toContain("answered 502: asking again");
  expect((shown.json()["secrets"] as readonly object[]).length).toBe(many);
  calls = 0;
  const never = await rekey(
    cutOff(() => true),
    "apply",
    { files },
  );
  expect(never.code).toBe(exitCodes.unreachable);
  expect(calls).toBe(3);
});
