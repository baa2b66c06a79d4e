import type { Timed } from "../../local/functions.ts";
import { sendAlert } from "../../local/send-alert.ts";
import { troubleIn } from "../../local/summary.ts";
import { startLocalCloud } from "../../local/world.ts";
import type { Template } from "../../serverless/template.ts";

const waitMs = 60_000;
const pollMs = 50;

async function until(holds: () => boolean): Promise<void> {
  for (const untilMs = Date.now() + waitMs; !holds() && Date.now() < untilMs; )
    await new Promise((resolve) => setTimeout(resolve, pollMs));
}

function withoutOnePermission(template: Template): Template {
  const { WarmUpNoteDashreplacementPermission: _taken, ...Resources } = template.Resources;
  return { ...template, Resources };
}

test("an alert starts the functions up to the revoke, by the versions that the machine calls", async () => {
  const calls: Timed[] = [];
  const cloud = await startLocalCloud({
    alter: withoutOnePermission,
    onCall: (call) => void calls.push(call),
  });
  const warmed = ["contain-key", "mint-key", "open-incident", "promote-version", "prove-incoming"];
  try {
    await sendAlert(cloud, "sk-FAKE-that-nobody-knows-0123456789");
    await until(() => calls.length >= 2 + warmed.length && troubleIn(cloud).length > 0);
    expect(calls.map(({ functionName }) => functionName.replace("rekey-production-", "")).sort()).toEqual(
      [...warmed, "intake", "raise-alert"].sort(),
    );
    expect(calls.every(({ isCold }) => isCold)).toBe(true);
    expect(troubleIn(cloud)).toEqual([
      expect.stringMatching(/may not lambda:InvokeFunction on .*:rekey-production-note-replacement:1/),
    ]);
  } finally {
    await cloud.close();
  }
}, 300_000);
