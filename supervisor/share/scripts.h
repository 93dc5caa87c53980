/* supervisor/share/scripts.h
 *
 * What is done at the shared counters, as Lua for Redis. Each script touches keys of one slot,
 * uses the clock of the server alone, and answers with a list of texts.
 */
#ifndef SUPERVISOR_SHARE_SCRIPTS_H
#define SUPERVISOR_SHARE_SCRIPTS_H

enum script {
    /* KEYS: hosts, epoch. ARGV: host, ms after which a host is dead, name for a new epoch,
     * ended (1: it leaves). Answer: hosts alive, name of the epoch, when it began (ms). */
    SCRIPT_HOSTS,
    /* KEYS: counter. ARGV: algorithm (0: token bucket, 1: sliding window), amount, burst,
     * window (ms), want, back, charge, memory (what the counter was, when it should be lost).
     * Answer: granted, memory. */
    SCRIPT_RATE,
    /* KEYS: budget. ARGV: host, sequence, held, need, top up (0, 1), amount, hosts, claim, sum,
     * version, lineage (as they were answered last), floor, epoch's begin (ms), pause (ms),
     * expiry (ms since 1970, 0: never), whether the floor is known: else nothing is begun
     * here, and how names of earlier starts of this host begin, whose claims were not more than
     * the floor (empty: they are left alone). Answer: claim, sum, version, lineage, pause left
     * (ms). A sequence that is not above the last one changes nothing. */
    SCRIPT_BUDGET,
    SCRIPT_COUNT
};

extern const char *const script_texts[SCRIPT_COUNT];

#endif
