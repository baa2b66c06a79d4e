import { createRekey, type LogLine, type RekeyOptions } from "../../sdk/client/index.ts";
import { ConsumerWorld, secretArn } from "./world.ts";

function refusal(options: object): string {
  try {
    createRekey({ consumer: "billing", environment: "production", ...options } as RekeyOptions);
  } catch (error) {
    return (error as Error).message;
  }
  return "nothing";
}

test.each([
  [{ consumer: "" }, "option consumer is missing: it is the name in rekey.yml"],
  [{ maxStaleMs: "5m" }, "option maxStaleMs has to be a number, not text"],
  [{ timeoutMs: 0 }, "option timeoutMs has to be from 1 to 2147483647"],
  [{ reportBus: {} }, "option reportBus has to be a text, not object"],
  [{ log: "stdout" }, "option log has to be a function, not text"],
])("%j is refused in a sentence that names the option and what it has to be", (options, message) => {
  expect(refusal(options)).toBe(message);
});

test("an option's value is never quoted: it may be a key in the wrong place", () => {
  expect(refusal({ timeoutMs: "sk-FAKE-key" })).not.toContain("FAKE");
});

test("opening something that is no name is refused before AWS is asked", async () => {
  const world = new ConsumerWorld();

  await expect(world.rekey.open({} as never)).rejects.toMatchObject({
    name: "OptionInvalid",
    message: "open() needs { secret }: a name or an ARN, as text",
  });
  expect(world.upstream.calls).toEqual([]);
});

test("a secret that is not there is named, with what to check", async () => {
  const world = new ConsumerWorld();
  world.upstream.values.clear();

  await expect(world.open()).rejects.toThrow(
    `${secretArn}: there is no such one: check its name or ARN, the Region and the account (ResourceNotFoundException)`,
  );
});

test("a role that may not read is told which rights it needs", async () => {
  const world = new ConsumerWorld();
  world.upstream.fault = "denied";

  await expect(world.open()).rejects.toThrow(
    /this role may not: allow GetSecretValue on the secret and Decrypt/,
  );
});

test("a field that is not in the value is named, and nothing of the value is", async () => {
  const world = new ConsumerWorld();
  const opened = world.rekey.open({ secret: secretArn, field: "apiKey" });

  const error = await world.during(opened, 500).catch((thrown: Error) => thrown);

  expect(String(error)).toContain(`${secretArn} was read, but there is no text in field apiKey`);
  expect(String(error)).not.toContain("FAKE");
});

test("without a report bus it says so once, and goes on", async () => {
  const lines: LogLine[] = [];
  const world = new ConsumerWorld({ reportBus: undefined, log: (line) => void lines.push(line) });
  const key = await world.open();
  world.upstream.put("v2", "FAKE-key-2");
  await world.during(key.refresh(), 500);

  const silent = lines.filter(({ event }) => event === "notReporting");
  expect(silent.map(({ detail }) => detail)).toEqual(["no reportBus: Rekey cannot see that billing uses it"]);
});

test("a bus that refuses is named once, with what follows from it", async () => {
  const lines: LogLine[] = [];
  const world = new ConsumerWorld({ reportBus: "reports", log: (line) => void lines.push(line) });
  world.upstream.busFault = "denied";
  const key = await world.open();
  await world.during(world.rekey.flush(), 500);
  world.upstream.put("v2", "FAKE-key-2");
  await world.during(key.refresh(), 500);
  await world.during(world.rekey.flush(), 500);

  const failed = lines.filter(({ event }) => event === "reportFailed");
  expect(failed).toHaveLength(1);
  expect(failed[0]?.detail).toMatch(
    /^report bus reports: this role may not: .*PutEvents on the bus.*counts billing as silent/,
  );
});
