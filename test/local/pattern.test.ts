import { matches, PatternInvalid } from "../../local/aws/pattern.ts";

/** After the examples of EventBridge's "Comparison operators" page. */
const event = {
  source: "aws.ec2",
  "detail-type": "EC2 Instance State-change Notification",
  time: "2022-07-13T13:48:01Z",
  "source-ip": "10.0.0.123",
  responseElements: null,
  eventVersion: "",
  numbers: { "c-count": 5, "d-count": 9, "x-limit": 3.018e2 },
  file: "dir/data.png",
  literal: "a*b\\c",
  list: ["red", "blue"],
  empty: [],
  flag: true,
  people: [
    { first: "Ada", last: "Byron" },
    { first: "Alan", last: "Turing" },
  ],
};

test.each([
  ["equals one of several", { source: ["aws.s3", "aws.ec2"] }],
  ["every field of several", { source: ["aws.ec2"], flag: [true] }],
  ["one element of a list", { list: ["blue"] }],
  ["null", { responseElements: [null] }],
  ["the empty text", { eventVersion: [""] }],
  ["prefix", { time: [{ prefix: "2022-07-13" }] }],
  ["prefix whatever the case", { source: [{ prefix: { "equals-ignore-case": "AWS." } }] }],
  ["suffix", { file: [{ suffix: ".png" }] }],
  ["suffix whatever the case", { file: [{ suffix: { "equals-ignore-case": ".PNG" } }] }],
  ["anything but a text", { source: [{ "anything-but": "aws.s3" }] }],
  ["anything but a list", { numbers: { "c-count": [{ "anything-but": [1, 2] }] } }],
  ["anything but prefixes", { source: [{ "anything-but": { prefix: ["gcp.", "azure."] } }] }],
  ["anything but a suffix", { file: [{ "anything-but": { suffix: ".gif" } }] }],
  ["anything but a wildcard", { file: [{ "anything-but": { wildcard: "*/lib/*" } }] }],
  ["anything but a text in any case", { source: [{ "anything-but": { "equals-ignore-case": "AWS.S3" } }] }],
  ["anything but this, for one element of a list", { list: [{ "anything-but": "red" }] }],
  ["a range of numbers", { numbers: { "c-count": [{ numeric: [">", 0, "<=", 5] }] } }],
  ["a number written another way", { numbers: { "x-limit": [{ numeric: ["=", 301.8] }] } }],
  ["an address in a block", { "source-ip": [{ cidr: "10.0.0.0/24" }] }],
  ["a field that exists", { flag: [{ exists: true }] }],
  ["a field that does not", { none: [{ exists: false }] }],
  ["a field of an object that does not exist", { none: { inner: [{ exists: false }] } }],
  ["an empty list as absent", { empty: [{ exists: false }] }],
  [
    "equals whatever the case",
    { "detail-type": [{ "equals-ignore-case": "ec2 instance state-change notification" }] },
  ],
  ["a wildcard", { file: [{ wildcard: "dir/*.png" }] }],
  ["a wildcard for nothing", { file: [{ wildcard: "dir/data*.png" }] }],
  ["several wildcards", { file: [{ wildcard: "*r/*a*.p*" }] }],
  ["an escaped wildcard", { literal: [{ wildcard: "a\\*b\\\\c" }] }],
  ["one object of a list", { people: { first: ["Alan"], last: ["Turing"] } }],
  [
    "one side of $or",
    { $or: [{ numbers: { "c-count": [{ numeric: [">", 10] }] } }, { source: ["aws.ec2"] }] },
  ],
  ["one of two operators", { source: ["aws.s3", { prefix: "aws.e" }] }],
])("a pattern matches %s", (_, pattern) => {
  expect(matches(pattern, event)).toBe(true);
});

test.each([
  ["one field of two", { source: ["aws.ec2"], flag: [false] }],
  ["a number given as text", { numbers: { "c-count": ["5"] } }],
  ["a text that only begins alike", { source: ["aws"] }],
  ["another case", { source: ["AWS.EC2"] }],
  ["anything but itself", { source: [{ "anything-but": ["aws.ec2", "aws.s3"] }] }],
  ["anything but its prefix", { source: [{ "anything-but": { prefix: "aws." } }] }],
  ["anything but a text, where there is none", { none: [{ "anything-but": "a" }] }],
  ["a bound of its own", { numbers: { "c-count": [{ numeric: ["<", 5] }] } }],
  ["a text by numeric", { source: [{ numeric: ["=", 1] }] }],
  ["an address outside the block", { "source-ip": [{ cidr: "10.0.1.0/24" }] }],
  ["what is no address", { source: [{ cidr: "10.0.0.0/8" }] }],
  ["an object by exists, which looks at leaves", { numbers: [{ exists: true }] }],
  ["a wildcard whose ends overlap", { file: [{ wildcard: "dir/data.png*data.png" }] }],
  ["a wildcard that lacks its end", { file: [{ wildcard: "dir/*.gif" }] }],
  ["two objects of a list mixed", { people: { first: ["Ada"], last: ["Turing"] } }],
  ["no side of $or", { $or: [{ source: ["a"] }, { source: ["b"] }] }],
  ["one side of $or without the rest", { flag: [false], $or: [{ source: ["aws.ec2"] }, { source: ["b"] }] }],
  ["an inherited member", { constructor: [{ exists: true }] }],
])("a pattern does not match %s", (_, pattern) => {
  expect(matches(pattern, event)).toBe(false);
});

test.each([
  ["no object", "aws.ec2"],
  ["a bare value", { source: "aws.ec2" }],
  ["an empty list", { source: [] }],
  ["an empty object", { detail: {} }],
  ["an operator that does not exist", { source: [{ contains: "ec2" }] }],
  ["two operators in one object", { source: [{ prefix: "a", suffix: "b" }] }],
  ["a prefix that is no text", { source: [{ prefix: 1 }] }],
  ["two wildcards side by side", { source: [{ wildcard: "a**" }] }],
  ["half a numeric comparison", { "c-count": [{ numeric: [">"] }] }],
  ["a numeric sign that does not exist", { "c-count": [{ numeric: ["!=", 1] }] }],
  ["a block that is no address", { ip: [{ cidr: "10.0.0/24" }] }],
  ["a block without a length", { ip: [{ cidr: "10.0.0.0/" }] }],
  ["an exists that is no flag", { a: [{ exists: "yes" }] }],
  ["one alternative alone", { $or: [{ a: [1] }] }],
  ["a list in a list", { a: [["b"]] }],
])("a pattern of %s is refused", (_, pattern) => {
  expect(() => matches(pattern, event)).toThrow(PatternInvalid);
});

test("a wildcard takes time in proportion to the text, whatever it is", () => {
  const wildcard = `${"*a".repeat(200)}*b`;
  expect(matches({ text: [{ wildcard }] }, { text: "a".repeat(100_000) })).toBe(false);
});
