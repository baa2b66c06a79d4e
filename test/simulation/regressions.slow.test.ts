import { simulate } from "./run/simulation.ts";

/**
 * Faults that the simulation found. Each seed finds its bug again when it is planted again (planted-bugs.ts), so
 * it goes through the place where it once broke.
 */
const seeds: readonly (readonly [number, string])[] = [
  [283, "an opening that thaws after another run came and went does not open on a key that is long gone"],
  [1, "what the provider said before a soak or a retry is not what the revoke goes by"],
  [
    9,
    "a revoke that is refused because AWSCURRENT was changed outside Rekey does not loop until the history is full",
  ],
  [95, "a settling that is no longer its run's business writes nothing"],
  [14, "the retiring key that an incident's take-over leaves behind stays on the list of debts"],
  [174, "a secret that an incident took and never wrote down is given back by the sweep"],
  [334, "a secret that is gone does not keep an incident from containing the key in all the others"],
  [
    5262,
    "a replacement that stopped half-way is resumed by the sweep, although its retiring key is dead by then",
  ],
  [22018, "an opening that sleeps through its whole incident does not take the secret once more"],
  [10702, "what a take-over leaves behind is on the list of debts before the secret is taken"],
  [24094, "a run that is resumed on a policy without consumers revokes nothing"],
  [10358, "a start that is noted after its execution has ended does not call the incident started"],
  [10622, "an incident whose first start was never noted is taken up again under a new name"],
  [29446, "a leaked incoming key that a hand has taken out of AWSCURRENT is contained all the same"],
  [43198, "an opening that sleeps longer than its execution lasts decides nothing"],
  [9429, "a containment that thaws after the proof does not take a dead key back to revoked"],
  [
    4517,
    "an incident's opening that thaws after the incident has ended takes no secret on what was current then",
  ],
  [693, "an incident's opening that thaws after the incident has ended takes no dead key for a current one"],
  [8518, "a promotion that thaws when an incident has the secret does not take that incident's pin"],
  [55622, "under switch-first a key that a hand puts back into AWSCURRENT is not contained before containBy"],
  [
    31738,
    "under switch-first a revoke that died after its intent looks at AWSCURRENT again before it is repeated",
  ],
  [
    2821,
    "the key that was current until a hand put the leaked one in its place is still known as a key of ours",
  ],
  [1102, "a promotion that landed unheard and was overtaken by two hands leaves its key alive"],
  [
    25005,
    "a key that was seen dead is known as dead, also when an incident takes the secret before the run is closed",
  ],
  [
    89533,
    "a dead key that a hand put back is paged, also when an incident took it and was called a false alarm",
  ],
  [115369, "an instance whose report was lost is remembered when its next key is to go"],
  [103037, "a quarantine that sleeps until a false alarm has undone it is taken back by whoever made it"],
  [
    118573,
    "a promotion that sleeps until its key was contained moves AWSCURRENT to it, and people are paged",
  ],
  [141937, "a silent instance of a consumer that reports through several is remembered too"],
  [193906, "a late alert about an earlier leak is told of when it comes, its deadline being over"],
  [212333, "a false alarm whose caller died before the key was restored is carried out by the machine"],
  [252509, "a false alarm whose caller and whose machine both died is carried out by the sweep"],
  [286553, "a forged report for an instance that never reported does not make the run wait for it"],
  [
    300909,
    "a key that an incident had deleted before it was called off is proven dead, and not asked for its use",
  ],
  [269, "a run that an incident took while it was being settled owes no certificate of its own"],
  [310957, "what a false alarm leaves of a key that was never current waits for the next rotation"],
  [322797, "a leaked key that is not active yet is not dead because it is refused"],
  [23069, "a look that is given up on its Retry-After does not make the revoke's own refusal wait"],
  [209757, "a promotion that lands while a quarantine is being undone only shows what the incident had done"],
  [35037, "an edit that a hand takes back after the key was staged stays taken back"],
  [49501, "an order on an incident whose machine died unheard starts the machine again"],
  [
    99133,
    "waits of a run that is resumed count from when its promotion was surely over, not from when it began",
  ],
  [33662, "a settling that thaws when an incident has the secret does not take that incident's pin off"],
  [25565, "an incident whose execution died unheard, past its deadline, is told of by the next sweep"],
  [44789, "a containment that sleeps until its false alarm was undone waits for nothing but its end"],
  [1180, "a copy whose first write was unheard is not written over what somebody put there since"],
  [
    1286,
    "a leaked key that is gone is found out although a run that lost its fence took its own key back unheard",
  ],
  [1485, "an alert that calls a key public after its proven death changes nothing"],
  [168, "a native rotation whose function died after it staged its key is taken up by the next try"],
  [235, "a native rotation whose function died between the store and the ledger ends, and frees its secret"],
  [
    2969,
    "a native rotation whose version somebody took away before its key was made ends, and frees its secret",
  ],
  [3766, "the certificate of a run that died before it held its secret is noted"],
  [2461, "a key that an incident contained in its place freezes the secret only until it is replaced"],
  [
    5141,
    "refusals with no live key to compare with are not made a proof by one call that compares, in an outage",
  ],
  [
    4445,
    "what an alert says and the plan that follows from it are one write, also if nobody hears of that write",
  ],
  [4965, "a key that a later incident quarantined and a person then waived stays as that incident left it"],
  [7846, "an opening that slept while a run replaced the version that it had read freezes nothing"],
  [2685, "an alert that waited on the bus until the key was proven dead changes nothing"],
  [627, "a mint that thaws when another call has placed the same chosen key does not take that key back"],
  [
    4452,
    "a change in the minute after a write whose function died is the one that a hidden value cannot tell apart",
  ],
  [5324, "after a write that was refused, what somebody put there is left alone"],
  [2963, "a revoke that slept over the list of the two places looks again before it regenerates one"],
  [995, "a mint that thaws when its successor has filled the idle place overwrites nothing"],
  [
    8408,
    "a native rotation's mint that slept until that rotation was over takes back its own key and no other",
  ],
  [
    9040,
    "a request for a key that froze before it was stored is made again when Lambda has ended its function",
  ],
  [303, "in no second do rotations of one account that fall due at once make more calls than it answers"],
  [2906, "an aborted promotion whose function wrote late leaves no version pending"],
];

test.each(seeds)("seed %i: %s", async (seed) => {
  expect((await simulate(seed)).violations).toEqual([]);
});
