#include "supervisor/probe/probe.h"

#include "shared/base/check.h"
#include "shared/base/memory.h"

struct probed {
    uint64_t name;
    uint64_t next_ms;
    uint32_t good, bad; /* in a row */
    uint64_t heard;     /* 1 + number of another host's last answer; 0: not heard of */
    bool asking;
    bool ejected; /* by probes, and not back since */
};

struct probes {
    struct probed rows[SEGMENT_TARGETS];
};

struct probes *probes_new(void)
{
    return MEMORY_NEW(struct probes);
}

void probes_free(struct probes *probes)
{
    memory_free(probes);
}

static uint32_t chosen(uint64_t own, uint64_t all)
{
    return (uint32_t)(own ? own : all);
}

struct probe_rules probe_rules_of(const struct settings_probe *all,
                                  const struct settings_probe *own)
{
    static const struct settings_probe none;
    uint64_t when;

    own = own ? own : &none;
    when = own->when ? own->when : all->when;
    return (struct probe_rules){.when = (uint8_t)(when ? when : PROBE_DOWN),
                                .interval_ms = chosen(own->interval, all->interval),
                                .timeout_ms = chosen(own->timeout, all->timeout),
                                .ok_after = chosen(own->ok_after, all->ok_after),
                                .bad_after = chosen(own->bad_after, all->bad_after),
                                .path = own->path.ptr ? own->path : all->path};
}

static bool is_out(enum health_state state)
{
    return state == HEALTH_DOWN || state == HEALTH_HALF_OPEN;
}

/* A list of models says nothing of credit: who has none is left to its trials. */
bool probe_wanted(const struct probe_sight *sight, const struct probe_rules *rules)
{
    if (rules->when == PROBE_NEVER)
        return false;
    if (is_out(sight->state))
        return sight->failed != HEALTH_SAW_REFUSED || sight->fault == FAULT_provider_auth;
    return rules->when == PROBE_ALWAYS &&
           (sight->state == HEALTH_HEALTHY || sight->state == HEALTH_DEGRADED);
}

static struct probed *row_of(struct probes *probes, const struct probe_sight *sight)
{
    struct probed *row;

    CHECK(sight->row < SEGMENT_TARGETS);
    row = &probes->rows[sight->row];
    if (row->name != sight->name)
        *row = (struct probed){.name = sight->name};
    return row;
}

/* From 3/4 to 5/4 of the interval, so that accounts that fell together do not stay together;
 * the first question comes within one. */
bool probe_due(struct probes *probes, const struct probe_sight *sight,
               const struct probe_rules *rules, uint64_t now_ms, uint64_t random)
{
    struct probed *row = row_of(probes, sight);
    bool due;

    if (!probe_wanted(sight, rules)) {
        *row = (struct probed){.name = sight->name, .asking = row->asking};
        return false;
    }
    if (row->next_ms == 0) {
        row->next_ms = now_ms + random % rules->interval_ms;
        return false;
    }
    due = now_ms >= row->next_ms && !row->asking;
    if (due)
        row->next_ms = now_ms + rules->interval_ms - rules->interval_ms / 4 +
                       random % (rules->interval_ms / 2 + 1);
    row->asking = row->asking || due;
    return due;
}

void probe_ended(struct probes *probes, uint32_t row, uint64_t name)
{
    CHECK(row < SEGMENT_TARGETS);
    if (probes->rows[row].name == name)
        probes->rows[row].asking = false;
}

bool probe_heard(struct probes *probes, const struct probe_sight *sight,
                 const struct probe_rules *rules, uint64_t number, uint64_t now_ms)
{
    struct probed *row = row_of(probes, sight);
    bool news = row->heard != 0 && row->heard != 1 + number;

    row->heard = 1 + number;
    row->next_ms = now_ms + rules->interval_ms / 4;
    return news;
}

/* Until its next question is answered at the latest. */
uint64_t probe_hold_ms(const struct probe_rules *rules)
{
    return (uint64_t)rules->interval_ms + rules->interval_ms / 4 + rules->timeout_ms;
}

/* A refusal is an answer, unless it is what the account is out for. */
enum probe_verdict probe_judge(const struct probe_sight *sight,
                               const struct probe_answer *answer)
{
    bool refused = is_out(sight->state) && sight->failed == HEALTH_SAW_REFUSED;

    if (answer->status == 429 || answer->status == 408)
        return PROBE_SAYS_NOTHING;
    if (answer->status < 100 || answer->status >= 500)
        return PROBE_SAYS_BAD;
    return refused && answer->status >= 300 ? PROBE_SAYS_BAD : PROBE_SAYS_GOOD;
}

static bool is_good(struct probed *row, const struct probe_sight *sight,
                    const struct probe_rules *rules, enum health_probe *ret)
{
    row->bad = 0;
    if (!is_out(sight->state)) {
        row->ejected = false;
        return false;
    }
    if (++row->good < rules->ok_after)
        return false;
    *ret = row->ejected || sight->failed == HEALTH_SAW_BREAK ? HEALTH_PROBE_WELL
                                                             : HEALTH_PROBE_ANSWERS;
    row->good = 0;
    row->ejected = false;
    return true;
}

bool probe_answered(struct probes *probes, const struct probe_sight *sight,
                    const struct probe_rules *rules, enum probe_verdict verdict,
                    enum health_probe *ret)
{
    struct probed *row = row_of(probes, sight);

    if (verdict == PROBE_SAYS_NOTHING || !probe_wanted(sight, rules))
        return false;
    if (verdict == PROBE_SAYS_GOOD)
        return is_good(row, sight, rules, ret);
    row->good = 0;
    *ret = HEALTH_PROBE_BAD;
    if (is_out(sight->state))
        return true;
    if (++row->bad < rules->bad_after)
        return false;
    row->bad = 0;
    row->ejected = true;
    return true;
}
