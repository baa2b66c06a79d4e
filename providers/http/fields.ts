import * as z from "zod";

/** Printable ASCII in one line: it becomes a part of a header, a path or a body. */
export const textSetting = z.string().regex(/^[\x20-\x7e]{0,512}$/, {
  error: "a text is printable ASCII in one line, of up to 512 characters",
});

/** A place in a reply: empty for the whole of it. */
export const pointerSetting = z.string().max(256).refine(isPointer, {
  error: "a JSON pointer is empty or begins with /, such as /data/key",
});

function isPointer(text: string): boolean {
  return text === "" || text.startsWith("/");
}
