import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { canonicalJson } from "../../audit/canonical-json.ts";
import type { ChainEntries, EventRow } from "../shown.ts";
import { Events } from "./events.ts";
import { Badge } from "./parts.ts";

interface Checked {
  readonly count: number;
  readonly brokenAt?: number;
}

/** One chain: this browser computes every hash again, and believes nobody. */
export function Chain({ shown, nowMs }: { readonly shown: ChainEntries; readonly nowMs: number }) {
  const { id, entries, isCut } = shown;
  const [checked, setChecked] = useState<Checked>({ count: 0 });
  useEffect(() => {
    let isCurrent = true;
    void verify(entries, (progress) => {
      if (isCurrent) setChecked(progress);
      return isCurrent;
    });
    return () => {
      isCurrent = false;
    };
  }, [entries]);
  const { count, brokenAt } = checked;
  const isDone = count === entries.length;
  const text =
    brokenAt !== undefined
      ? `broken at entry ${brokenAt}`
      : `${count} of ${entries.length} hashes computed here, each is right`;
  return html`<p class="crumbs"><a href="#/audit">Audit</a> / <span class="arn">${id}</span></p>
    <h1>Chain</h1>
    <p role="status"><${Badge} tone=${brokenAt !== undefined ? "bad" : isDone ? "good" : "busy"}>${text}<//>${isCut ? " (only the first 5,000 entries)" : ""}</p>
    <${Events} events=${entries as unknown as readonly EventRow[]} nowMs=${nowMs} />`;
}

/** `tell` answers whether to go on. */
async function verify(entries: ChainEntries["entries"], tell: (checked: Checked) => boolean): Promise<void> {
  let previousHash = "0".repeat(64);
  for (const [index, entry] of entries.entries()) {
    const hash = await sha256Hex(canonicalJson({ ...entry, hash: undefined }));
    const isRight =
      entry["hash"] === hash && entry["previousHash"] === previousHash && entry["seq"] === index + 1;
    if (!isRight) return void tell({ count: index, brokenAt: index + 1 });
    previousHash = hash;
    const isPause = (index + 1) % 50 === 0 || index === entries.length - 1;
    if (isPause && !tell({ count: index + 1 })) return;
  }
}

async function sha256Hex(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
