/** How many bytes a text takes in UTF-8; a lone surrogate counts as the character that replaces it. */
export function utf8Bytes(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    // Each half of a pair counts two: a pair takes four.
    const isPair = isHigh(unit)
      ? isLow(text.charCodeAt(index + 1))
      : isLow(unit) && isHigh(text.charCodeAt(index - 1));
    bytes += unit < 0x80 ? 1 : unit < 0x800 || isPair ? 2 : 3;
  }
  return bytes;
}

const isHigh = (unit: number) => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff;

/** What a value takes as JSON. A stored item is never larger than that: DynamoDB keeps no quotes or brackets. */
export function jsonBytes(value: unknown): number {
  return utf8Bytes(JSON.stringify(value) ?? "");
}

/** The beginning of a text that is too long, and a mark that something is missing. */
export function cutToBytes(text: string, bytesMax: number): string {
  if (text.length * 3 <= bytesMax || utf8Bytes(text) <= bytesMax) return text;
  let bytes = utf8Bytes(cutMark);
  let kept = "";
  for (const character of text) {
    bytes += utf8Bytes(character);
    if (bytes > bytesMax) break;
    kept += character;
  }
  return `${kept}${cutMark}`;
}

const cutMark = "...";
