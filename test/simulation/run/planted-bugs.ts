import type { MachineName } from "./machines.ts";

/** One bug, as a change of one place in one file's text. */
export interface PlantedBug {
  readonly name: string;
  /** From the repository's root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Without it, random seeds have to find it; a rare interleaving is the crash matrix's to enumerate. */
  readonly foundBy?: "crashPoints";
  /** Of the crash points only those of this machine come to its place. */
  readonly machine?: MachineName;
  /** Only seeds with such a leak come to its place, so only they are tried. */
  readonly seeds?: "hard incidents" | "copies" | "orders" | "shapes" | "rush" | "terms" | "campaigns";
}

/** What somebody could write on a bad day; each has to be found by a rule, not by a crash of the harness. */
export const plantedBugs: readonly PlantedBug[] = [
  {
    name: "revoke before evidence",
    file: "core/adoption/adoption.ts",
    find: `return missing.length > 0 ? { verdict: "waiting", reasons: missing } : { verdict: "adopted" };`,
    replace: `return { verdict: "adopted" };`,
  },
  {
    name: "skip the fence",
    file: "core/rotation/secret-record.ts",
    find: `    record.lease?.runId !== ticket.rotationId ||
    record.fence !== ticket.fence ||
`,
    replace: "",
  },
  {
    name: "retry a mint blindly",
    file: "providers/openai/mint.ts",
    find: '.send({ method: "POST", path: `${account}/api_keys`, body }).catch(outcomeUnknown)',
    replace:
      '.send({ method: "POST", path: `${account}/api_keys`, body }).catch(() => api.send({ method: "POST", path: `${account}/api_keys`, body }))',
  },
  {
    name: "trust an empty consumer list",
    file: "core/policy.ts",
    find: `return consumers !== "none" && consumers.length === 0;`,
    replace: "return consumers === undefined;",
  },
  {
    name: "treat a silent instance as switched",
    file: "core/adoption/view.ts",
    find: "    isWithinStale(Math.max(item.observedAtMs, view.promotedAtMs), { item, view })",
    replace: "    view.nowMs < 0",
  },
  {
    name: "count a silent instance's patience from its last report, not from the promotion",
    file: "core/adoption/view.ts",
    find: "isWithinStale(Math.max(item.observedAtMs, view.promotedAtMs), { item, view })",
    replace: "isWithinStale(item.observedAtMs, { item, view })",
  },
  {
    name: "treat zero live instances as adopted",
    file: "core/adoption/consumers.ts",
    find: "return batchHasRun ? [] : [nobodyLive(question, kind)];",
    replace: "return batchHasRun ? [] : [];",
  },
  {
    name: "drop the AWSPENDING strip",
    file: "functions/rotation/promote-version.ts",
    find: "await deps.store.clearPending({ secretArn, versionId: promoted.incoming.versionId });",
    replace: "",
  },
  {
    name: "compare by date: revoke the oldest key",
    file: "functions/rotation/revoke-key.ts",
    find: ".revoke(run.retiring.keyId);",
    replace: `.revoke((await deps.provider(policy).list()).toSorted((a, b) => (a.createdAtMs ?? 0) - (b.createdAtMs ?? 0))[0]?.keyId ?? "");`,
  },
  {
    name: "discard the incoming key when not holding the fence",
    file: "functions/secret/settle-run.ts",
    find: "if (!isHolder) return opened",
    replace: `if (!isHolder && policy) for (const { keyId } of await deps.provider(policy).list({ namePrefix: keyNamesOf(rotationId) })) await deps.provider(policy).revoke(keyId);
  if (!isHolder) return opened`,
  },
  {
    name: "discard the incoming key on any error",
    file: "functions/secret/mint-and-stage.ts",
    find: "const isOver = error instanceof Superseded && !isPlaced(await deps.ledger.secret(input.secretArn), keyId);",
    replace: "const isOver = error instanceof Error;",
  },
  {
    name: "delete a key of a later attempt",
    file: "functions/secret/mint-and-stage.ts",
    find: "if (isEarlier && discarded.some((key) => key.name === name)) await",
    replace: "await",
  },
  {
    name: "lose the wake-up",
    file: "core/rotation/wait.ts",
    find: `if (record.seq !== wait.seenSeq && turns < turnsMax) return "decideAgain";`,
    replace: "",
  },
  {
    name: "probe the retiring key before revoke",
    file: "functions/secret/gate.ts",
    find: "const current = await deps.store.current(secretArn);",
    replace: `const current = await deps.store.current(secretArn);
  const early = await deps.store.read(secretArn, run.retiring.versionId);
  await deps.provider(policy).verify(keyIn(early.text, policy.field));`,
  },
  {
    name: "ignore a hold",
    file: "core/rotation/gate.ts",
    find: `standingChecks = [
  holdIsOff,
`,
    replace: `standingChecks = [
`,
  },
  {
    name: "log an error body",
    file: "providers/openai/replies.ts",
    find: '?? "without an error code"}`;',
    replace: '?? "without an error code"} ${JSON.stringify(reply.json)}`;',
  },
  {
    name: "accept evidence from another environment",
    file: "core/adoption/view.ts",
    find: "if (item.environment !== consumer.environment || item.account !== consumer.account) return false;",
    replace: "",
  },
  {
    name: "settle twice: whoever holds the secret now is settled too",
    file: "functions/secret/settle-run.ts",
    find: `record.lease?.runId === rotationId && record.lease.executionArn === executionArn;
  if (!isHolder) return opened === undefined ? refuse(settling, deps) : { outcome: endOf(opened), reason };

  const ticket: Ticket = { secretArn, rotationId, fence: record.fence };`,
    replace: `record.lease !== undefined;
  if (!isHolder) return opened === undefined ? refuse(settling, deps) : { outcome: endOf(opened), reason };

  const ticket: Ticket = { secretArn, rotationId: record.lease?.runId ?? "", fence: record.fence };`,
  },
  {
    name: "forget a revoke owed",
    file: "functions/secret/settle-run.ts",
    find: "(record) => oweRun(record, ticket, owedBecause(settling))",
    replace: "(record) => closeRun(record, ticket)",
  },
  {
    name: "move the pin while a debt is open",
    file: "functions/upkeep/sweep-secret.ts",
    find: "pinned !== undefined && run === undefined",
    replace: "pinned !== undefined",
  },
  {
    name: "promote a key that was refused",
    file: "functions/rotation/prove-incoming.ts",
    find: "throw new KeyNotYetActive(",
    replace: `await deps.ledger.changeSecret(input.secretArn, (record) => markProven(record, input));
        return { outcome: "proven" as const };
        throw new KeyNotYetActive(`,
  },
  {
    name: "call it done when the delete returned 200",
    file: "functions/rotation/prove-dead.ts",
    find: `if (run.phase === "dead") return`,
    replace: `if (run.phase === "dead" || run.phase === "revoked") return`,
  },
  {
    name: "call a key dead that was refused like every other",
    file: "core/rotation/death.ts",
    find: 'return neverIssued === "refused" && isLiveAccepted ? "refused" : "inconclusive";',
    replace: 'return neverIssued === "refused" || isLiveAccepted ? "refused" : "inconclusive";',
  },
  {
    name: "take a live key without the scope for a dead one",
    file: "providers/openai/verify-table.ts",
    find: '{ status: 401, where: [{ at: "/error/message", has: "missing scopes" }], means: "notPermitted" }',
    replace: '{ status: 401, where: [{ at: "/error/message", has: "missing scopes" }], means: "refused" }',
  },
  {
    name: "take every 403 for a dead key",
    file: "providers/openai/verify-table.ts",
    find: '{ status: 403, where: [{ at: "/error/message", has: "permission" }], means: "notPermitted" }',
    replace: '{ status: 403, where: [{ at: "/error/message", has: "permission" }], means: "refused" }',
  },
  {
    name: "believe a report that nobody signed",
    file: "functions/evidence/record-evidence.ts",
    find: 'if (proof === undefined) return "unsigned";',
    replace: "if (proof === undefined) return undefined;",
  },
  {
    name: "let a jump of the sequence silence an instance",
    file: "ledger/instances.ts",
    find: "if (!isJump(report, known)) return",
    replace: "if (report.sequence >= 0) return",
  },
  {
    name: "fill an incident up with what its alerts say",
    file: "core/incident/limits.ts",
    find: "if (alerts.every((alert) => kept.has(alert))) return alertsOf(record);",
    replace: "if (alerts.length > 0) return alertsOf(record);",
    seeds: "hard incidents",
  },
  {
    name: "drop what a source says later under the same id",
    file: "core/incident/alerts.ts",
    find: "if (seen !== undefined) return !saysMore(seen, alert);",
    replace: "if (seen !== undefined) return true;",
    seeds: "hard incidents",
  },
  {
    name: "page at the deadline only if nobody was paged before",
    file: "core/incident/turns.ts",
    find: "  if (nowMs >= nextRepeatMs(record)) pages.push(stillLives(record, nowMs));",
    replace: "",
    seeds: "hard incidents",
  },
  {
    name: "answer an order with success although its incident is over",
    file: "functions/admin/compromise/compromise.ts",
    find: "if (idle.length > 0 && idle.length === incidentIds.length) return nothingToDo(idle, incidentIds);",
    replace: "if (idle.length > incidentIds.length) return nothingToDo(idle, incidentIds);",
    seeds: "hard incidents",
  },
  {
    name: "keep the line end of a value",
    file: "stores/value.ts",
    find: "return new Secret(text.trim());",
    replace: "return new Secret(text);",
  },
  {
    name: "open on what was current before the freeze",
    file: "functions/rotation/open-rotation.ts",
    find: "if (now.fence !== record.fence)",
    replace: "if (now === undefined)",
  },
  {
    name: "revoke on what the provider said before the soak",
    file: "functions/secret/gate.ts",
    find: "return isOpen ? gatherEvidence(question, deps) : deps.ledger.evidence(question.secretArn);",
    replace: "return isOpen && deps.ledger.evidence(question.secretArn);",
  },
  {
    name: "let a thawed quarantine take a revoked run back",
    file: "core/rotation/retiring.ts",
    find: "if (allowed.includes(run.phase)) return run;",
    replace: "if (allowed.length > 0) return run;",
    foundBy: "crashPoints",
  },
  {
    name: "send a refused revoke straight back to the gate",
    file: "functions/secret/freeze.ts",
    find: "? freeze(record, why) : record,",
    replace: "? record : record,",
  },
  {
    name: "sweep away a key in use",
    file: "core/rotation/sweep.ts",
    find: `if (isInUse(key.keyId, view)) return "accounted";`,
    replace: "",
  },
  {
    name: "let the sender of an alert move the clock",
    file: "core/incident/plan.ts",
    find: "const detectedAtMs = Math.min(claimedAtMs, receivedAtMs);",
    replace: "const detectedAtMs = claimedAtMs;",
  },
  {
    name: "call a compromised key dead when its revoke is accepted",
    file: "functions/incident/containment/contain.ts",
    find: 'state: "accepted",',
    replace: 'state: "dead",',
  },
  {
    name: "contain without a recorded intent",
    file: "functions/incident/containment/contain.ts",
    find: 'if ((await recordIntent(order, "revoking", deps)) === "calledOff") return "calledOff";',
    replace: "",
  },
  {
    name: "contain what only a hint names",
    file: "core/incident/plan.ts",
    find: 'return match === "fingerprint" || match === "keyId";',
    replace: 'return match !== "none";',
  },
  {
    name: "contain on suspicion before anybody has moved",
    file: "core/incident/turns.ts",
    find: `if (everybodyMoved(record) || nowMs >= untilMs) return { turn: "contain" };
  return { turn: "wait", why: "consumers are moving`,
    replace: `if (nowMs > 0) return { turn: "contain" };
  return { turn: "wait", why: "consumers are moving`,
  },
  {
    name: "take the intent to revoke a compromised key for the revoke",
    file: "core/incident/turns.ts",
    find: `    case "revoking":
      return whileHandedOut(record, { key, nowMs }) ?? { turn: "contain" };`,
    replace: `    case "revoking":
      return { turn: "prove" };`,
    foundBy: "crashPoints",
    machine: "compromise",
  },
  {
    name: "never resume an incident whose machine died",
    file: "functions/upkeep/sweep-incident.ts",
    find: "if (reason === undefined) return 0;",
    replace: "if (reason === undefined || nowMs > 0) return 0;",
    foundBy: "crashPoints",
    machine: "compromise",
  },
  {
    name: "forget the retiring key of a run that lost its secret to an incident",
    file: "core/rotation/superseded.ts",
    find: "return keys.filter(isPlaced).filter(isOnItsWayOut).filter(isNobodys);",
    replace: "return keys.filter(isPlaced).filter(isOnItsWayOut).filter(isNobodys).slice(0, 0);",
  },
  {
    name: "forget a superseded key",
    file: "core/rotation/secret-record.ts",
    find: `.map((known) => (known.state === "current" ? { ...known, state: "retiring" as const } : known));`,
    replace: `.filter((known) => known.state !== "current");`,
  },
  {
    name: "never revoke a superseded key",
    file: "core/rotation/superseded.ts",
    find: "return record.run?.owed === undefined ? supersededToResume(record)?.keyId : ",
    replace: "return record.run?.owed === undefined ? undefined : ",
  },
  {
    name: "contain waits while the secret is held",
    file: "core/incident/turns.ts",
    find: "?? whenPlanned(record, { key, nowMs });",
    replace: `?? (record.secrets.some(({ held }) => held !== undefined)
        ? { turn: "wait", why: "the secret is held" }
        : whenPlanned(record, { key, nowMs }));`,
    seeds: "hard incidents",
  },
  {
    name: "accept a forged alert",
    file: "events/intake/edge/signed-envelope.ts",
    find: 'if (!isSameHex(expected, v1)) return refusal("SignatureWrong", signatureHeader);',
    replace: "",
    seeds: "hard incidents",
  },
  {
    name: "accept a replayed alert",
    file: "functions/alerts/intake.ts",
    find: 'if (keys.length === 0 || seen === "read") {',
    replace: "if (keys.length === 0) {",
    seeds: "hard incidents",
  },
  {
    name: "contain the incoming key",
    file: "functions/incident/containment/contain.ts",
    find: "const outcome = await provider.revoke(keyId);",
    replace: "const outcome = await provider.revoke(record.secrets[0]?.incomingKeyId ?? keyId);",
  },
  {
    name: "drop a second leak in the cooldown",
    file: "functions/alerts/raise.ts",
    find: 'if (key.keyId !== undefined) return `key/${key.account ?? "unknown"}/${key.keyId}`;',
    replace:
      'if (key.keyId !== undefined) return `key/${key.account ?? "unknown"}/${key.holders[0]?.secretArn ?? key.keyId}`;',
    seeds: "hard incidents",
  },
  {
    name: "let the breaker take an exact alert",
    file: "functions/alerts/raise.ts",
    find: 'if (isExact(key.match.by) || arrived.kind === "append") return subject;',
    replace: 'if (arrived.kind === "append") return subject;',
    seeds: "hard incidents",
  },
  {
    name: "overwrite a key that somebody put there",
    file: "functions/rotation/promote-version.ts",
    find: "if (fingerprint !== retiring.fingerprint) {",
    replace: 'if (fingerprint === "") {',
  },
  {
    name: "lose a field that somebody edited",
    file: "functions/rotation/promote-version.ts",
    find: "withKey(current.text, policy.field, keyIn(pending.text, policy.field))",
    replace: "withKey(pending.text, policy.field, keyIn(pending.text, policy.field))",
  },
  {
    name: "promote while stopped",
    file: "functions/rotation/promote-version.ts",
    find: "await assertNotStopped(policy, deps, { isIncident: isIncidentWork(before) });",
    replace: "isIncidentWork(before);",
  },
  {
    name: "read the stops too early: once, and not before each effect",
    file: "functions/secret/stop-order.ts",
    find: "return whyStopped(await deps.ledger.stops(), { policy, isIncident });",
    replace: `const early = globalThis as { stops?: Awaited<ReturnType<typeof deps.ledger.stops>> };
  return whyStopped((early.stops ??= await deps.ledger.stops()), { policy, isIncident });`,
  },
  {
    name: "answer 300 schedules at once: no call waits for its account",
    file: "functions/wiring/clients/provider-budget.ts",
    find: "        await waitForTurn(provider, deps);\n",
    replace: "",
    seeds: "rush",
  },
  {
    name: "promote what nobody has approved",
    file: "core/rotation/gate.ts",
    find: 'return policy.approve === "before-promote" ? approved(record, "promote") : undefined;',
    replace: "return undefined;",
    seeds: "terms",
  },
  {
    name: "ask for a freeze as it was before the rotation",
    file: "core/rotation/gate.ts",
    find: "const freeze = freezeAt(policy.freeze, nowMs);",
    replace: "const freeze = freezeAt(policy.freeze, 0);",
    seeds: "terms",
  },
  {
    name: "change outside of the hours for changes",
    file: "core/rotation/gate.ts",
    find: "if (opensAtMs === undefined) return undefined;",
    replace: "if (opensAtMs === undefined || opensAtMs > 0) return undefined;",
    seeds: "terms",
  },
  {
    name: "count a campaign's key as contained before its incident says so",
    file: "core/campaign/progress.ts",
    find: "const isContained = keys.length > 0 && keys.every(isSettled);",
    replace: "const isContained = keys.length > 0;",
    seeds: "campaigns",
  },
  {
    name: "start a campaign's keys while it is paused",
    file: "functions/campaign/advance-campaigns.ts",
    find: 'campaign.status === "running" ? nextOf',
    replace: 'campaign.status !== "done" ? nextOf',
    seeds: "campaigns",
  },
  {
    name: "contain while incidents are stopped, too",
    file: "functions/incident/containment/contain.ts",
    find: "await assertNotStopped(policy, deps, { isIncident: true });",
    replace: "",
    seeds: "campaigns",
  },
  {
    name: "finishSecret promotes by itself",
    file: "functions/native/finish-secret.ts",
    find: "await wakeIfDecided({ secretArn, nowMs: deps.clock.nowMs() }, deps);",
    replace: `const { current = "" } = await deps.store.versionsInUse(secretArn);
  await deps.store.promote({ secretArn, from: current, to: token });`,
  },
  {
    name: "sweep away the run of an execution at work",
    file: "functions/upkeep/sweep-secret.ts",
    find: "if (!isAbandoned(record, state)) return 0;",
    replace: "",
  },
  {
    name: "a sweep that only looks gives leases back",
    file: "functions/upkeep/sweep-secret.ts",
    find: "if (!dryRun) await settleRun(",
    replace: "await settleRun(",
  },
  {
    name: "open on a held secret",
    file: "core/rotation/open.ts",
    find: "if (hold) return {",
    replace: "if (hold && frozen) return {",
  },
  {
    name: "revoke before a copy is in use",
    file: "core/adoption/copies.ts",
    find: `    case "activating":
      return notActive(asked, evidence);`,
    replace: `    case "activating":
      return asked.view.nowMs > 0 ? undefined : notActive(asked, evidence);`,
    seeds: "copies",
  },
  {
    name: "drop what a reader of a replica reports",
    file: "functions/evidence/policy-named.ts",
    find: "find(({ secretArn }) => isCopyOf(reported, secretArn));",
    replace: "find(({ secretArn }) => isCopyOf(reported, secretArn) && secretArn === reported);",
  },
  {
    name: "overwrite a copy that somebody changed",
    file: "core/copies/rules.ts",
    find: "if (isAsNoted(view) || isHalfWritten(view) || isAsBegun(view) || isOwn(view)) return undefined;",
    replace: 'if (isAsNoted(view) || isOwn(view) || copy.as !== "") return undefined;',
    seeds: "copies",
  },
  {
    name: "take over what somebody put there after a write whose answer was lost",
    file: "core/copies/rules.ts",
    find: "return note?.written !== undefined || note?.writing !== undefined;",
    replace: "return note?.written !== undefined;",
    seeds: "copies",
  },
  {
    name: "overwrite what somebody put there after a write that was refused",
    file: "functions/secret/copies-writing.ts",
    find: "if (what === undefined || isUnheard || isReadable) return;",
    replace: "if (what !== undefined || isUnheard || isReadable) return;",
    seeds: "copies",
  },
  {
    name: "reset who may use an organization's secret",
    file: "destinations/github-actions/adapter.ts",
    find: "settings.organization === undefined ? {} : await sharingOf(",
    replace: "settings.token !== undefined ? {} : await sharingOf(",
    seeds: "copies",
  },
  {
    name: "overwrite what stood under the name before Rekey came",
    file: "core/copies/rules.ts",
    find: "if (copy.takeOver === true || note?.overwrite === true) return undefined;",
    replace: 'if (copy.as !== "") return undefined;',
    seeds: "copies",
  },
  {
    name: "write to whatever place the token leads to",
    file: "functions/secret/copies.ts",
    find: "const place = await destination.whyNotHere();",
    replace: 'const place = copy.as === "" ? await destination.whyNotHere() : undefined;',
    seeds: "copies",
  },
  {
    name: "take a restart for a move",
    file: "core/adoption/consumers.ts",
    find: 'if (wiring === "pinned") return [reasonFor(question, { source, reason: "WiredToOldVersion", detail })];',
    replace: 'if (wiring === "pinned") return [];',
    seeds: "orders",
  },
  {
    name: "take an instance that was forgotten for gone although it reports again",
    file: "core/adoption/evidence.ts",
    find: "return forgotten !== undefined && sequence <= forgotten.sequence;",
    replace: "return forgotten !== undefined && sequence > 0;",
    seeds: "orders",
  },
  {
    name: "leave with a run in flight",
    file: "core/rotation/leave.ts",
    find: "if (lease !== undefined)",
    replace: "if (lease !== undefined && lease.runId === undefined)",
    seeds: "orders",
  },
  {
    name: "let one person approve what they asked for",
    file: "core/orders.ts",
    find: "if (order.askedBy !== undefined && samePerson(order.askedBy, confirm.by)) {",
    replace: 'if (order.askedBy === "" && samePerson(order.askedBy, confirm.by)) {',
    seeds: "orders",
  },
  {
    name: "end a live key where its owner has no room for another",
    file: "core/rotation/room.ts",
    find: 'others.filter(({ status }) => status === "disabled")',
    replace: "others.filter(({ status }) => status !== undefined)",
    seeds: "shapes",
  },
  {
    name: "end a key for another one without a word in the audit log",
    file: "functions/secret/make-room.ts",
    find: "await deps.audit.append(ticket.secretArn, {",
    replace: "void ({",
    seeds: "shapes",
  },
  {
    name: "accept the retiring key where a person supplies the new one",
    file: "functions/admin/supply.ts",
    find: "if (isRetiring || isOld)",
    replace: "if (isOld)",
    seeds: "shapes",
  },
  {
    name: "accept a supplied key of another project",
    file: "functions/admin/supply.ts",
    find: "if (only !== undefined && candidates.length === 1) return only.keyId;",
    replace: `if (only === undefined) return "key_FAKE_of_another_project";
  if (candidates.length === 1) return only.keyId;`,
    seeds: "shapes",
  },
  {
    name: "take back a chosen key that another call has placed",
    file: "functions/secret/mint-and-stage.ts",
    find: "&& !isPlaced(await deps.ledger.secret(input.secretArn), keyId);",
    replace: ";",
    seeds: "shapes",
  },
  {
    name: "regenerate the place that is in use",
    file: "providers/azure-openai/adapter.ts",
    find: `const idle = before.find(({ keyId }) => keyId !== retiring);`,
    replace: `const idle = before.find(({ keyId }) => keyId === retiring);
  displaces = undefined;`,
    seeds: "shapes",
  },
  {
    name: "overwrite whatever has come into the idle place since somebody looked",
    file: "functions/secret/make-room.ts",
    find: "assertAttempt(record, ticket, { attempt });",
    replace: "",
    seeds: "shapes",
  },
];
