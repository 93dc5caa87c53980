/* shared/limit/rule.h
 *
 * Rules: rate limits and budgets as people write them, in the settings and in the store. A rule
 * is texts; reading it gives numbers, or the member that is wrong and why. Both places use the
 * same reader, so that they cannot differ.
 *
 * A rule is for one object ("tenant:acme", "team:acme/blue", "key:NAME") or for each of a kind
 * ("key:*": every key has a counter of its own).
 */
#ifndef SHARED_LIMIT_RULE_H
#define SHARED_LIMIT_RULE_H

#include "shared/base/buffer.h"
#include "shared/limit/limit.h"

#define RULE_NAME_MAX    64
#define RULE_SUBJECT_MAX 200
#define RATE_AMOUNT_MAX  1000000000000ULL        /* of a unit in a window */
#define RATE_WINDOW_MAX  (31ULL * 86400 * 1000)  /* milliseconds */
#define WINDOW_MAX       (366ULL * 86400 * 1000) /* of a rolling budget */
#define WINDOW_MIN       (60ULL * 1000)

/* Members that are not there have ptr NULL. */
struct rate_text {
    int64_t id; /* of the store; 0: of the settings */
    struct span name, scope;
    struct span of[LIMIT_UNIT_COUNT]; /* "600/minute"; concurrent: "20" */
    struct span algorithm, burst, mode;
};

struct budget_text {
    int64_t id; /* of the store; 0: of the settings */
    struct span name, scope, amount, period, zone, soft, mode;
    uint64_t window_ms; /* rolling; 0: not there */
    uint64_t strict, cut;
};

/* Whom a rule is for. */
struct rule_scope {
    enum limit_scope kind;
    bool each;          /* NAME is "*" */
    struct span tenant; /* of a team or user */
    struct span name;
};

struct rule_rate {
    uint64_t amount, window_ms, burst; /* window_ms 0: concurrent */
    enum limit_unit unit;
};

struct rate_rule {
    struct rule_scope scope;
    struct rule_rate rates[LIMIT_UNIT_COUNT];
    uint32_t count;
    enum limit_algorithm algorithm;
    enum limit_mode mode;
};

struct budget_rule {
    struct rule_scope scope;
    uint64_t amount_nano, soft_nano, window_ms;
    enum budget_period period;
    enum limit_mode mode;
};

/* What is wrong with a rule; both live for ever. */
struct rule_fault {
    const char *member, *why;
};

bool rate_rule_read(const struct rate_text *text, struct rate_rule *ret,
                    struct rule_fault *ret_fault);
/* Zones are looked for in the database of zones. */
bool budget_rule_read(const struct budget_text *text, struct budget_rule *ret,
                      struct rule_fault *ret_fault);

/* ---- single members: NULL, or what is wrong with the text
 * ------------------------------------
 */
const char *rule_read_name(struct span text);
const char *rule_read_scope(struct span text, struct rule_scope *ret);
/* "600/minute", "100k/hour", "10/10s" */
const char *rule_read_rate(struct span text, uint64_t *ret_amount, uint64_t *ret_window_ms);
/* "20", "100k", "2M" */
const char *rule_read_amount(struct span text, uint64_t *ret);
const char *rule_read_money(struct span text, uint64_t *ret_nano);
/* "80%" of AMOUNT_NANO, or dollars. */
const char *rule_read_soft(struct span text, uint64_t amount_nano, uint64_t *ret_nano);
const char *rule_read_algorithm(struct span text, enum limit_algorithm *ret);
const char *rule_read_mode(struct span text, enum limit_mode *ret);
const char *rule_read_period(struct span text, enum budget_period *ret);
const char *rule_read_zone(struct span text);

/* A name that "tenant:NAME" and the like can have: of tenants, teams, users, tags. */
bool rule_subject_is_good(struct span name);
/* "600 requests a minute", "20 requests at one time" */
void rule_rate_write(const struct rule_rate *rate, struct buffer *out);

#endif
