import { shortName } from "../../core/principal.ts";

test.each([
  ["arn:aws:sts::111122223333:assumed-role/deployer/ada", "ada as deployer"],
  ["arn:aws:iam::111122223333:user/ada", "ada"],
  ["ada", "ada"],
  ["", ""],
  ["arn:aws:iam::111122223333:role/team/deployer", "deployer"],
  ["arn:aws:sts::111122223333:assumed-role/deployer/a/b", "a/b as deployer"],
])("%s is shown as %s", (principal, name) => {
  expect(shortName(principal)).toBe(name);
});

test("the account is not shown", () => {
  expect(shortName("arn:aws:iam::111122223333:user/team/ada")).not.toContain("111122223333");
});
