import { Secret } from "../../core/secret.ts";
import { githubAlerts, signingSecrets } from "../../functions/adapters/intake.ts";
import type { Http } from "../../providers/http.ts";
import { sample } from "../core/intake/samples.ts";
import { type VirtualTime, virtualTime } from "../simulation/world/clock.ts";
import { IntakeWorld } from "./intake-world.ts";

const never = <Result>(): Promise<Result> => new Promise<Result>(() => undefined);
const apiBases = ["https://api.github.com"];
const token = { get: async () => new Secret("FAKE-token"), refused: () => undefined };
const hanging: Http = { send: () => never() };

let time: VirtualTime;
beforeEach(() => {
  time = virtualTime();
});
afterEach(() => time.uninstall());

async function timed<Result>(work: Promise<Result>) {
  const startedMs = time.nowMs();
  return { said: await time.run(work), tookMs: time.nowMs() - startedMs };
}

test.each([
  ["GitHub hangs", githubAlerts({ http: hanging, token, apiBases })],
  ["the token's secret hangs", githubAlerts({ http: hanging, token: { ...token, get: never }, apiBases })],
])("%s, and the answer is out in 2 s, with the place of the alert", async (_, pointed) => {
  const world = new IntakeWorld({ pointed });

  const { said, tookMs } = await timed(world.post(world.githubPost(sample("github.json"))));

  expect(said.statusCode).toBe(202);
  expect(tookMs).toBeLessThan(2_000);
  expect(world.published).toMatchObject([{ alert: { identity: { kind: "location" } } }]);
});

test("a signing secret that hangs is answered before the sender gives up, and read again the next time", async () => {
  let isHanging = true;
  const { store } = new IntakeWorld();
  const arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:intake/hanging-FAKE00";
  const versionId = store.create(arn, "FAKE-signing-report");
  const signing = signingSecrets(
    { report: arn },
    {
      clock: { nowMs: time.nowMs, pause: async () => undefined },
      store: {
        versionsInUse: async () => (isHanging ? never() : { current: versionId, all: [versionId] }),
        read: store.read,
      },
    },
  );
  const world = new IntakeWorld({ signing });
  const post = world.signed([{ id: "17", key: "sk-FAKE-that-leaked-000001" }]);

  const { said, tookMs } = await timed(world.post(post));
  expect(said.statusCode).toBe(503);
  expect(tookMs).toBeLessThan(5_000);

  isHanging = false;
  expect((await timed(world.post(post))).said.statusCode).toBe(202);
});
