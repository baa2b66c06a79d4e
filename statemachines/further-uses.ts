/**
 * A Task state is named like the function that it calls: MintKey is functions/rotation/mint-key.ts. State names are
 * unique in a machine, so a state that calls a function once more, or does one of its acts, is named after what it does
 * there. Those states stand here, and test/tidy.test.ts reads the list.
 */
export interface FurtherUse {
  readonly calls: string;
  readonly because: string;
}

export const furtherUses: Readonly<Record<string, Readonly<Record<string, FurtherUse>>>> = {
  rotation: {
    OpenInTurn: {
      calls: "open-rotation",
      because: "the run has waited for its turn at the provider's account, and waits for no second one",
    },
    AwaitPromotion: {
      calls: "await-evidence",
      because:
        "the same wait, for an approval, a window or another secret: it ends when the decision changed",
    },
    UndoQuarantine: {
      calls: "quarantine-key",
      because: "the same function enables the key again where a consumer still uses it",
    },
    CertifyAgain: {
      calls: "certify-rotation",
      because: "the sweep has the certificate made of a run that ended without one",
    },
    KeepRetiring: {
      calls: "close-rotation",
      because: "the policy keeps the retiring key: the run is closed without a revoke, and says so",
    },
    CertifyEnding: {
      calls: "certify-rotation",
      because: "a run that ended without a death is certified too, after it was settled",
    },
    NoteEnding: { calls: "close-rotation", because: "the run was settled: only its certificate is noted" },
    NoteCertificate: { calls: "close-rotation", because: "the run is closed: only its certificate is noted" },
    WriteCopiesAgain: {
      calls: "write-copies",
      because: "what a destination refused is tried again after each wait, and nothing is announced twice",
    },
    RefuseToOpen: {
      calls: "settle-rotation",
      because: "a run that could not open has nothing to roll back, and ends Refused and not Failed",
    },
  },
  compromise: {
    CheckReplacement: {
      calls: "check-recovery",
      because: "asks whether consumers switched before the key is contained; CheckRecovery asks after it",
    },
    WriteCopiesAgain: {
      calls: "write-copies",
      because: "what a destination refused is tried again after each wait, before containment",
    },
    WriteCopiesLater: { calls: "write-copies", because: "the same after containment" },
    AwaitDeath: { calls: "await-incident", because: "the branch of a key waits to probe it again" },
    AwaitSlot: { calls: "await-incident", because: "the replacement waits for room at the provider" },
    AwaitClock: { calls: "await-incident", because: "the clock waits for the next page or deadline" },
    AwaitMove: {
      calls: "await-evidence",
      because: "after containment a consumer's report is waited for as before it",
    },
    NoteSupplyWanted: { calls: "note-replacement", because: "a person has to supply the replacement" },
    NoteNoSlot: { calls: "note-replacement", because: "the provider holds as many keys as it allows" },
    NoteFailed: { calls: "note-replacement", because: "there is no replacement" },
    CertifyAgain: {
      calls: "certify-incident",
      because: "the sweep has the certificate made of an incident that ended without one",
    },
    NoteCertificate: {
      calls: "close-incident",
      because: "the incident is closed: only its certificate is noted",
    },
    ReportContainment: {
      calls: "file-report",
      because: "a first report leaves before consumers have recovered",
    },
  },
};
