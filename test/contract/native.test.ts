import { nativeRunOf } from "../../core/rotation/native.ts";
import { nativeBridge } from "../../functions/native/native-bridge.ts";
import { sweep } from "../../functions/upkeep/sweep.ts";
import { appliedWorld, rekey } from "../cli/cli-world.ts";
import { arnOf, NOON_MS } from "./admin-world.ts";

const token = "11111111-2222-4333-8444-555555555555";
const secretArn = arnOf("billing-key");
const ours = "arn:aws:lambda:eu-west-1:111122223333:function:rekey-production-native-bridge";

/** Secrets Manager has reserved the token's version for a rotation by `functionArn`. */
async function pressed({
  block = "",
  functionArn = ours,
}: {
  readonly block?: string;
  readonly functionArn?: string;
} = {}) {
  const { world } = await appliedWorld({ "billing-key": block });
  const rotation = { isEnabled: true, functionArn, isScheduled: true };
  Object.assign(world.store, { nativeRotation: async () => rotation });
  const { versionsInUse } = world.store;
  const labels = { pending: token as string | undefined, byRekey: false };
  const store = {
    ...world.store,
    versionsInUse: async (arn: string) => {
      const { pending: _none, ...versions } = await versionsInUse(arn);
      const { pending, byRekey } = labels;
      return {
        ...versions,
        ...(pending !== undefined && { pending: { versionId: pending, byRekey } }),
      };
    },
    clearPending: async () => {
      labels.pending = undefined;
    },
  };
  let nowMs = NOON_MS;
  const clock = {
    nowMs: () => nowMs,
    pause: async (ms: number) => {
      nowMs += ms;
    },
  };
  const deps = () => ({ ...world.depsOf("native-bridge"), store, clock });
  const step = (Step: string, of = token) =>
    nativeBridge.run(nativeBridge.input.parse({ Step, SecretId: secretArn, ClientRequestToken: of }), deps());
  return { world, step, labels, rotation, executions: world.executions };
}

test("only Secrets Manager's own word that this is the function and that the token is pending makes it act", async () => {
  const stranger = await pressed({ functionArn: `${ours}-2` });
  await expect(stranger.step("createSecret")).rejects.toThrow("does not name this function");
  const { step, labels, executions } = await pressed();
  await expect(step("createSecret", token.replace("1", "9"))).rejects.toThrow("is not pending");
  labels.pending = undefined;
  await expect(step("finishSecret")).rejects.toThrow("press the button again");
  expect(executions.started).toEqual([]);
});

test("a version that is current already is done, in either spelling of the step", async () => {
  const { world, step } = await pressed();
  const { current = "" } = await world.store.versionsInUse(secretArn);
  expect(await step("finish_secret", current)).toEqual({ outcome: "doneBefore" });
});

test.each([
  ["an approval", "approve: before-revoke", "another person has to approve it"],
  [
    "a freeze of now",
    "freeze: [{ from: 2026-11-20, to: 2026-12-20, timezone: UTC, reason: the sale }]",
    "the sale",
  ],
])(
  "where the policy asks for %s, an ordinary rotation is started and the version is freed",
  async (_title, terms, why) => {
    const plain = "provider: main, rotate: { every: 30d }, consumers: [{ name: billing }]";
    const { step, labels, executions } = await pressed({ block: `${plain}, ${terms}` });
    await expect(step("createSecret")).rejects.toThrow(why);
    expect(labels.pending).toBeUndefined();
    expect(executions.started).toMatchObject([{ input: { trigger: expect.stringContaining("queued") } }]);
    expect(executions.started[0]?.name).not.toBe(nativeRunOf(token));
  },
);

test("a secret on hold, or at work, starts nothing and says why", async () => {
  const { world, step, labels, executions } = await pressed();
  await rekey(world, ["hold", "billing-key", "--reason", "audit"]);
  await expect(step("createSecret")).rejects.toThrow("Held: held by");
  expect(executions.started).toEqual([]);
  expect(labels.pending).toBeUndefined();
});

test("what the button asked for during a hold begins with the first sweep after it, once", async () => {
  const { world, step, executions } = await pressed();
  await rekey(world, ["hold", "billing-key", "--reason", "audit"]);
  await expect(step("createSecret")).rejects.toThrow("An ordinary rotation is queued");
  await sweep.run({ dryRun: false }, world.depsOf("sweep"));
  expect(executions.started).toEqual([]);
  await rekey(world, ["release", "billing-key"]);
  await sweep.run({ dryRun: true }, world.depsOf("sweep"));
  expect(executions.started).toEqual([]);
  await sweep.run({ dryRun: false }, world.depsOf("sweep"));
  await sweep.run({ dryRun: false }, world.depsOf("sweep"));
  expect(executions.started).toMatchObject([
    { name: `billing-key-${token}`, input: { secretArn, trigger: expect.stringContaining("queued") } },
  ]);
});

test("what the button asked for a day ago, or of a secret that is only watched by now, is dropped", async () => {
  const { world, executions } = await pressed();
  const queue = (atMs: number) =>
    world.ledger.changeSecret(secretArn, (record) => ({ ...record, queued: { token, atMs } }));
  await queue(NOON_MS - 24 * 3_600_000);
  await sweep.run({ dryRun: false, time: NOON_MS }, world.depsOf("sweep"));
  await queue(NOON_MS);
  const policy = await world.ledger.policy(secretArn);
  if (policy !== undefined) await world.ledger.putPolicy({ ...policy, mode: "observe" });
  await sweep.run({ dryRun: false, time: NOON_MS }, world.depsOf("sweep"));
  expect(executions.started).toEqual([]);
  expect((await world.ledger.secret(secretArn)).queued).toBeUndefined();
});

test("it waits for the machine, and says so when the machine takes longer than Secrets Manager does", async () => {
  const { step, executions } = await pressed();
  await expect(step("createSecret")).rejects.toThrow(`rekey watch ${nativeRunOf(token)}`);
  await expect(step("createSecret")).rejects.toThrow("was not reached in time");
  expect(executions.started.map(({ name }) => name)).toEqual([nativeRunOf(token)]);
});

/** The machine has opened the token's run and waits for its key; an earlier try of the function has come this far. */
async function waiting(world: Awaited<ReturnType<typeof pressed>>["world"], phase: "opened" | "staged") {
  const placed = { keyId: "k2", versionId: token, fingerprint: "sha256:k2" };
  const base = { rotationId: nativeRunOf(token), attempt: 1, retiring: { ...placed, keyId: "k1" } };
  await world.ledger.changeSecret(secretArn, (record) => ({
    ...record,
    lease: { runId: base.rotationId, kind: "rotation", executionArn: "arn:execution" },
    run: phase === "opened" ? { ...base, phase } : { ...base, phase, incoming: placed },
    wait: { rotationId: base.rotationId, token: "the-task", decision: "supply" },
  }));
}

test("a try that died before it told the machine of its key is taken up by the next one", async () => {
  const { world, step } = await pressed();
  await waiting(world, "staged");
  expect(await step("createSecret")).toEqual({ outcome: "staged" });
  expect(world.executions.callbacks).toMatchObject([
    { token: "the-task", output: { outcome: "staged", keyId: "k2" } },
  ]);
  expect((await world.ledger.secret(secretArn)).wait).toBeUndefined();
});

test("a try that died with its key in the version ends the rotation, and says how to free the version", async () => {
  const { world, step, labels } = await pressed();
  await waiting(world, "opened");
  labels.byRekey = true;
  await expect(step("createSecret")).rejects.toThrow(/holds one value; free the version with `aws/);
  expect(world.executions.failed).toEqual([{ token: "the-task", error: "NeedsHuman" }]);
});

test("a run whose version was taken away waits no longer for its key: the next try ends it, and so does the sweep", async () => {
  const tried = await pressed();
  await waiting(tried.world, "opened");
  tried.labels.pending = "somebody-elses";
  await expect(tried.step("createSecret")).rejects.toThrow("is not pending");
  expect(tried.world.executions.failed).toEqual([{ token: "the-task", error: "PendingHeld" }]);

  const { world } = await pressed();
  await waiting(world, "opened");
  await sweep.run({ dryRun: true }, world.depsOf("sweep"));
  expect(world.executions.failed).toEqual([]);
  await sweep.run({ dryRun: false }, world.depsOf("sweep"));
  expect(world.executions.failed).toEqual([{ token: "the-task", error: "PendingHeld" }]);
});

/** A run went through Rekey's function, and somebody has put another one in its place since. */
async function changed() {
  const { world, rotation } = await pressed();
  await world.ledger.changeSecret(secretArn, (record) => ({ ...record, nativeFunction: ours }));
  rotation.functionArn = `${ours}-theirs`;
  const swept = (how: { readonly dryRun?: boolean } = {}) => sweep.run(how, world.depsOf("sweep"));
  const frozen = async () => (await world.ledger.secret(secretArn)).frozen?.reason;
  return { world, rotation, swept, frozen };
}

test("a sweep that slept until the function was put back and the secret released freezes nothing", async () => {
  const { world, rotation, swept, frozen } = await changed();
  const asked = world.store.nativeRotation;
  let isFirst = true;
  Object.assign(world.store, {
    nativeRotation: async () => {
      const seen = { ...(await asked(secretArn)) };
      if (!isFirst) return seen;
      isFirst = false;
      await swept();
      rotation.functionArn = ours;
      await rekey(world, ["release", "billing-key", "--unfreeze"]);
      expect(await frozen()).toBeUndefined();
      return seen;
    },
  });
  await swept();
  expect(await frozen()).toBeUndefined();
});

test("nobody gives an ordinary rotation the name of a native one", async () => {
  const { world } = await pressed();
  const { answer } = await world.send({ command: "rotate", secret: "billing-key", name: nativeRunOf(token) });
  expect(answer).toMatchObject({ outcome: "refused", reason: "InputInvalid" });
});

test("an exchanged rotation function freezes the secret", async () => {
  const { world, step, rotation } = await pressed();
  await step("createSecret").catch(() => undefined);
  await sweep.run({ dryRun: false }, world.depsOf("sweep"));
  expect((await world.ledger.secret(secretArn)).frozen).toBeUndefined();
  Object.assign(rotation, { functionArn: "arn:aws:lambda:eu-west-1:111122223333:function:theirs" });
  await sweep.run({ dryRun: false }, world.depsOf("sweep"));
  expect((await world.ledger.secret(secretArn)).frozen?.reason).toContain("function:theirs");
});

test("doctor finds a secret that Rekey and Secrets Manager both rotate by a schedule", async () => {
  const { world } = await pressed();
  expect((await rekey(world, "doctor")).out).toContain("it has two schedulers: Rekey (");
});
