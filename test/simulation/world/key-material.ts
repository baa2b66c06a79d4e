/** What every key of the stand-in begins with, in the encodings that a careless line could put it into. */
const marks = ["sk-svcacct-FAKE-", "sk-admin-FAKE-", "FAKEJQQJ99"];

const pattern = new RegExp(
  marks
    .flatMap((mark) => [mark, ...base64Forms(mark), hex(mark), hex(mark).toUpperCase(), percent(mark)])
    .map((form) => form.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"))
    .join("|"),
);

/** Whether a text shows a key, plain, in base64 (at any offset), in hexadecimal or percent-encoded (S6). */
export function hasKeyMaterial(text: string): boolean {
  return pattern.test(text);
}

/** Three, one per offset of the mark in what was encoded; the characters that its neighbours touch are cut off. */
function base64Forms(mark: string): readonly string[] {
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.from(`${"x".repeat(offset)}${mark}`)
      .toString("base64")
      .replace(/=+$/, "");
    const firstWhole = Math.ceil((offset * 8) / 6);
    const lastWhole = Math.floor(((offset + mark.length) * 8) / 6);
    return encoded.slice(firstWhole, lastWhole);
  });
}

function hex(mark: string): string {
  return Buffer.from(mark).toString("hex");
}

function percent(mark: string): string {
  return [...Buffer.from(mark)].map((byte) => `%${byte.toString(16).toUpperCase()}`).join("");
}
