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
  ["a field that exists", { flag: [{ exists: true }] }],
  ["a field that does not", { none: [{ exists: false }] }],
  ["a field of an object that does not exist", { none: { inner: [{ exists: false }] } }],
  ["an empty list as absent", { empty: [{ exists: false }] }],
  ["one object of a list", { people: { first: ["Alan"], last: ["Turing"] } }],
  ["one of two operators", { source: ["aws.s3", { prefix: "aws.e" }] }],
])("a pattern matches %s", (_, pattern) => {
  expect(matches(pattern, event)).toBe(true);
});

test.each([
  ["one field of two", { source: ["aws.ec2"], flag: [false] }],
  ["a number given as text", { numbers: { "c-count": ["5"] } }],
  ["a text that only begins alike", { source: ["aws"] }],
  ["another case", { source: ["AWS.EC2"] }],
  ["an object by exists, which looks at leaves", { numbers: [{ exists: true }] }],
  ["two objects of a list mixed", { people: { first: ["Ada"], last: ["Turing"] } }],
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
  ["two operators in one object", { source: [{ prefix: "a", exists: true }] }],
  ["a prefix that is no text", { source: [{ prefix: 1 }] }],
  ["an exists that is no flag", { a: [{ exists: "yes" }] }],
  ["a list in a list", { a: [["b"]] }],
])("a pattern of %s is refused", (_, pattern) => {
  expect(() => matches(pattern, event)).toThrow(PatternInvalid);
});

test.each([
  ["anything-but", { source: [{ "anything-but": "aws.s3" }] }],
  ["numeric", { numbers: { "c-count": [{ numeric: [">", 0] }] } }],
  ["cidr", { "source-ip": [{ cidr: "10.0.0.0/24" }] }],
  ["wildcard", { file: [{ wildcard: "dir/*.png" }] }],
  ["suffix", { file: [{ suffix: ".png" }] }],
  ["dotted keys", { "numbers.c-count": [5] }],
  ["$or", { $or: [{ source: ["aws.s3"] }, { source: ["aws.ec2"] }] }],
])("%s, which no rule of the product uses, is refused rather than never matched", (operator, pattern) => {
  expect(() => matches(pattern, event)).toThrow(operator);
});
