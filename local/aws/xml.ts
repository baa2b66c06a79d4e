/** A tree for the two XML protocols: text, a list that repeats its element, or named children. */
export type XmlNode = string | number | boolean | undefined | readonly XmlNode[] | XmlChildren;

export interface XmlChildren {
  readonly [name: string]: XmlNode;
}

export function xmlDocument(
  root: string,
  children: XmlChildren,
  { namespace }: { namespace?: string } = {},
): string {
  const attribute = namespace ? ` xmlns="${escaped(namespace)}"` : "";
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${inner(children)}</${root}>`;
}

function inner(children: XmlChildren): string {
  return Object.entries(children)
    .map(([name, node]) => element(name, node))
    .join("");
}

function element(name: string, node: XmlNode): string {
  if (node === undefined) return "";
  if (Array.isArray(node)) return node.map((each: XmlNode) => element(name, each)).join("");
  const content = typeof node === "object" ? inner(node as XmlChildren) : escaped(String(node));
  return `<${name}>${content}</${name}>`;
}

/** A carriage return has to be a reference, because XML readers turn a bare one into a line feed. */
function escaped(text: string): string {
  const references: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\r": "&#13;",
  };
  return text.replace(/[&<>"\r]/g, (character) => references[character] ?? character);
}
