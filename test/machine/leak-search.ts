/**
 * Looks for a text in whatever form a careless line could have put it: as it is, escaped for JSON (once or twice) or
 * for a URL, in hexadecimal, or in base64 at any offset. The end of a key alone counts too: a truncated key leaks.
 */
export function leakSearch(secrets: readonly string[]): (text: string) => string | undefined {
  const forms = secrets.flatMap((secret) => [secret, secret.slice(-endLength)].flatMap(formsOf));
  return (text) => {
    const found = forms.find(({ form }) => text.includes(form));
    return found && `${found.name} of a key`;
  };
}

/** Too long to turn up by accident, shorter than any generated key. */
const endLength = 16;

interface Form {
  readonly name: string;
  readonly form: string;
}

function formsOf(text: string): readonly Form[] {
  const json = escaped(text);
  const bytes = Buffer.from(text, "utf8");
  const base64 = base64Forms(text).flatMap((form) => [
    { name: "the base64", form },
    { name: "the base64url", form: form.replaceAll("+", "-").replaceAll("/", "_") },
  ]);
  return [
    { name: "the text", form: text },
    { name: "the JSON escape", form: json },
    { name: "the JSON escape in JSON", form: escaped(json) },
    { name: "the URL escape", form: encodeURIComponent(text) },
    { name: "the form escape", form: new URLSearchParams({ text }).toString().slice("text=".length) },
    { name: "the hexadecimal", form: bytes.toString("hex") },
    { name: "the hexadecimal", form: bytes.toString("hex").toUpperCase() },
    ...base64,
  ];
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** One per offset of the text in what was encoded; characters that its neighbours touch are cut off. */
function base64Forms(text: string): readonly string[] {
  const { length } = Buffer.from(text, "utf8");
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.from(`${"x".repeat(offset)}${text}`, "utf8").toString("base64");
    return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + length) * 8) / 6));
  });
}
