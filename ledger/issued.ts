import type { Issued } from "../core/issue/issued.ts";
import type { IssueTemplate } from "../core/issue/template.ts";
import type { TableKey } from "../core/ports.ts";
import type { Documents } from "./documents.ts";

const templateKey = (name: string): TableKey => ({ kind: "POLICY", id: "templates", sort: name });
const issuedKey = (name: string): TableKey => ({ kind: "ISSUED", id: "all", sort: name });

/** What secrets may be issued from, and those that were. */
export function issuedIn(at: Documents) {
  return {
    template: (name: string) => at.read<IssueTemplate>(templateKey(name)),
    templates: () => at.all<IssueTemplate>({ kind: "POLICY", id: "templates" }),
    putTemplate: (template: IssueTemplate) => at.write(templateKey(template.name), template),
    removeTemplate: (name: string) => at.remove(templateKey(name)),

    issued: (name: string) => at.read<Issued>(issuedKey(name)),
    everyIssued: () => at.all<Issued>({ kind: "ISSUED", id: "all" }),
    changeIssued: (name: string, change: (stored: Issued | undefined) => Issued) =>
      at.change<Issued>(issuedKey(name), change),
  };
}
