import { agentManual } from "../../sdk/agent/command.ts";
import { execManual } from "../../sdk/exec/command.ts";
import { helpFor } from "../../sdk/host/arguments.ts";

describe.each([
  ["exec", execManual],
  ["agent", agentManual],
])("the help of %s", (_, manual) => {
  test.each([60, 80, 110])("fits %s columns and says every word", (columns) => {
    const help = helpFor(manual, { program: "rekey-host", columns });
    expect(help.split("\n").filter((line) => line.length > columns)).toEqual([]);
    const words = help.split(/\s+/);
    expect(words).toEqual(expect.arrayContaining(manual.says.split(" ")));
    for (const [name, { says }] of Object.entries(manual.table))
      expect(words).toEqual(expect.arrayContaining([`--${name}`, ...says.split(" ")]));
  });

  test("begins with the name that it was started with", () => {
    expect(helpFor(manual, { program: "rekey-host", columns: 80 })).toMatch(/^usage: rekey-host /);
  });
});
