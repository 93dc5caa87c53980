/* supervisor/probe/probe.h
 *
 * When provider accounts are asked how they are, and what the answers say.  A state machine
 * over rows of the segment; time and chance are parameters.  One thread, no sockets.
 *
 * The question is the account's list of models, which costs no token.  So a good answer says
 * that it is reached and answers; whether its models do, a request finds out: only an account
 * that gave no answer at all before is healed by it.
 */
#ifndef SUPERVISOR_PROBE_PROBE_H
#define SUPERVISOR_PROBE_PROBE_H

#include "shared/health/health.h"
#include "shared/settings/settings.h"

/* Of one account, complete. */
struct probe_rules {
    uint8_t when; /* enum settings_probe_when, never PROBE_DEFAULT */
    uint32_t interval_ms, timeout_ms, ok_after, bad_after;
    struct span path; /* not there: the list of models; lives as long as the settings */
};

struct probe_sight {
    uint64_t name; /* a hash: another account in the row is begun with anew */
    uint32_t row;  /* of the segment, below SEGMENT_TARGETS */
    enum health_state state;
    uint16_t fault;             /* enum fault: of its attempt that failed last */
    enum health_outcome failed; /* what that said of it */
};

/* What came of a question. */
struct probe_answer {
    uint16_t status; /* 0: there was none */
};

enum probe_verdict {
    PROBE_SAYS_NOTHING,
    PROBE_SAYS_BAD,
    PROBE_SAYS_GOOD
};

struct probes;

struct probes *probes_new(void);
void probes_free(struct probes *probes);
/* The rules of an account of the settings, or of one of elsewhere (OWN NULL). */
struct probe_rules probe_rules_of(const struct settings_probe *all,
                                  const struct settings_probe *own);
/* Whether an account in this state is asked at all. */
bool probe_wanted(const struct probe_sight *sight, const struct probe_rules *rules);
/* Whether it is asked now; the next time is set then, and probe_ended is due. RANDOM spreads
 * the questions. */
bool probe_due(struct probes *probes, const struct probe_sight *sight,
               const struct probe_rules *rules, uint64_t now_ms, uint64_t random);
/* Whatever came of the question to the account NAME of ROW. */
void probe_ended(struct probes *probes, uint32_t row, uint64_t name);
enum probe_verdict probe_judge(const struct probe_sight *sight,
                               const struct probe_answer *answer);
/* The account is asked by another host, whose last answer has NUMBER. Whether it counts here:
 * it is a new one, and not the first that is heard of since the account is asked for at all.
 * The next look comes soon. */
bool probe_heard(struct probes *probes, const struct probe_sight *sight,
                 const struct probe_rules *rules, uint64_t number, uint64_t now_ms);
/* How long a host that asks keeps others from it. */
uint64_t probe_hold_ms(const struct probe_rules *rules);
/* Whether VERDICT, with those before it, changes something: then *RET is for health_probed. */
bool probe_answered(struct probes *probes, const struct probe_sight *sight,
                    const struct probe_rules *rules, enum probe_verdict verdict,
                    enum health_probe *ret);

#endif
