import { accountNotices } from "../../../core/rotation/account-notices.ts";

test("an account that Rekey stopped is told of, with how to go on; what a person stopped is not", () => {
  const stop = { reason: "3 rotations in a row failed at the provider", includingIncidents: false };
  const notices = accountNotices([
    { ...stop, scope: "provider/openai-main", by: "rekey" },
    { ...stop, scope: "provider/openai-two", by: "ada" },
  ]);
  expect(notices).toEqual([
    {
      id: "provider/openai-main/3 rotations in a row failed at the provider",
      secretArn: "provider/openai-main",
      name: "openai-main",
      severity: "page",
      what: "the provider account is stopped: 3 rotations in a row failed at the provider",
      steps: ["Find out why the provider refuses, and correct it.", "rekey resume --provider openai-main"],
      topic: "Stopped",
    },
  ]);
});
