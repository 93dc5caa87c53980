/* Single members of rules. */
#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/money.h"
#include "shared/limit/rule.h"
#include "shared/zone/zone.h"

/* ---- names ----------------------------------------------------------------------------------
 */

const char *rule_read_name(struct span text)
{
    if (!text.ptr || text.len == 0)
        return "is missing";
    if (text.len > RULE_NAME_MAX)
        return "has over 64 bytes";
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (i > 0 && (c == '-' || c == '_' || c == '.'))))
            return "may have letters, digits, `-`, `_` and `.` only";
    }
    return NULL;
}

static bool has_blank(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 127)
            return true;
    }
    return false;
}

bool rule_subject_is_good(struct span name)
{
    return name.len > 0 && name.len <= RULE_SUBJECT_MAX && !has_blank(name) &&
           span_find(name, SPAN("/")) == SIZE_MAX && !span_eq(name, SPAN("*"));
}

static bool find_kind(struct span word, enum limit_scope *ret)
{
    for (unsigned i = 0; i < LIMIT_SCOPE_COUNT; i++) {
        if (span_eq(limit_scope_name(i), word)) {
            *ret = (enum limit_scope)i;
            return true;
        }
    }
    return false;
}

/* Teams and users are of a tenant: "acme/blue". */
static const char *read_inside(struct span rest, struct rule_scope *ret)
{
    if (!span_cut(&rest, '/', &ret->tenant) || !rest.ptr ||
        !rule_subject_is_good(ret->tenant) || !rule_subject_is_good(rest))
        return "has no name of the form TENANT/NAME";
    ret->name = rest;
    return NULL;
}

/* "PROVIDER/MODEL"; the model may have slashes too. */
static bool is_pair(struct span text)
{
    size_t slash = span_find(text, SPAN("/"));

    return slash != SIZE_MAX && slash > 0 && slash + 1 < text.len;
}

const char *rule_read_scope(struct span text, struct rule_scope *ret)
{
    struct span rest = text, word;

    *ret = (struct rule_scope){.each = false};
    if (!text.ptr || text.len == 0)
        return "is missing";
    if (!span_cut(&rest, ':', &word) || !rest.ptr || !find_kind(word, &ret->kind))
        return "is not KIND:NAME with tenant, team, user, key, tag, model, provider or target";
    ret->name = rest;
    ret->each = span_eq(rest, SPAN("*"));
    if (rest.len == 0 || rest.len > RULE_SUBJECT_MAX || has_blank(rest))
        return "has no name after the colon, or one with a space in it";
    if (ret->each)
        return NULL;
    if (ret->kind == LIMIT_SCOPE_team || ret->kind == LIMIT_SCOPE_user)
        return read_inside(rest, ret);
    if (ret->kind == LIMIT_SCOPE_target && !is_pair(rest))
        return "is not target:PROVIDER/MODEL";
    if (ret->kind == LIMIT_SCOPE_tag && rest.len > TAG_BYTES_MAX)
        return "has a tag of over 64 bytes";
    return NULL;
}

/* ---- amounts --------------------------------------------------------------------------------
 */

static const struct {
    char letter;
    uint64_t factor;
} factors[] = {{'k', 1000}, {'K', 1000}, {'M', 1000000}, {'G', 1000000000}};

const char *rule_read_amount(struct span text, uint64_t *ret)
{
    uint64_t factor = 1;
    struct span digits = text;

    for (unsigned i = 0; i < ARRAY_LEN(factors) && text.len > 1; i++) {
        if (text.ptr[text.len - 1] == factors[i].letter) {
            factor = factors[i].factor;
            digits.len--;
        }
    }
    if (span_starts(text, SPAN("-")))
        return "is negative; leave it out for no limit, 0 lets nothing in";
    if (!span_read_u64(digits, ret) || __builtin_mul_overflow(*ret, factor, ret))
        return "is not an amount like 600, 100k or 2M";
    return *ret <= RATE_AMOUNT_MAX ? NULL : "is over 1000G";
}

static const struct {
    struct span word;
    uint64_t ms;
} windows[] = {{WORD("second"), 1000},
               {WORD("minute"), 60 * 1000},
               {WORD("hour"), 3600 * 1000},
               {WORD("day"), 86400 * 1000}};

static const char *read_window(struct span text, uint64_t *ret_ms)
{
    for (unsigned i = 0; i < ARRAY_LEN(windows); i++) {
        if (span_eq(windows[i].word, text)) {
            *ret_ms = windows[i].ms;
            return NULL;
        }
    }
    if (text.len == 0 || (text.ptr[text.len - 1] >= '0' && text.ptr[text.len - 1] <= '9') ||
        !clock_read_duration_ms(text, ret_ms))
        return "is not a rate like 600/minute (second, minute, hour, day, or a time like 10s)";
    if (*ret_ms < 1000 || *ret_ms > RATE_WINDOW_MAX)
        return "has a window that is not from 1s to 31d";
    return NULL;
}

const char *rule_read_rate(struct span text, uint64_t *ret_amount, uint64_t *ret_window_ms)
{
    struct span rest = text, amount;
    const char *why;

    if (!span_cut(&rest, '/', &amount) || !rest.ptr)
        return "is not a rate like 600/minute";
    why = rule_read_amount(amount, ret_amount);
    return why ? why : read_window(rest, ret_window_ms);
}

const char *rule_read_money(struct span text, uint64_t *ret_nano)
{
    if (!text.ptr)
        return "is missing";
    if (span_starts(text, SPAN("-")))
        return "is negative; 0 lets nothing in";
    return money_read(text, ret_nano)
               ? NULL
               : "is not dollars like 100 or 0.25, with at most 9 digits after the point";
}

const char *rule_read_soft(struct span text, uint64_t amount_nano, uint64_t *ret_nano)
{
    uint64_t percent;

    if (!span_ends(text, SPAN("%"))) {
        if (!money_read(text, ret_nano))
            return "is neither a percentage like 80% nor dollars";
        return *ret_nano <= amount_nano ? NULL : "is over the amount";
    }
    if (!span_read_u64(span_of(text.ptr, text.len - 1), &percent) || percent > 100)
        return "is not a percentage from 0% to 100%";
    *ret_nano = (uint64_t)((unsigned __int128)amount_nano * percent / 100);
    return NULL;
}

/* ---- words ----------------------------------------------------------------------------------
 */

static bool find_word(struct span name_of(unsigned), struct span text, unsigned *ret)
{
    for (unsigned i = 0; name_of(i).ptr; i++) {
        if (span_eq(name_of(i), text)) {
            *ret = i;
            return true;
        }
    }
    return false;
}

const char *rule_read_algorithm(struct span text, enum limit_algorithm *ret)
{
    unsigned found;

    if (!find_word(limit_algorithm_name, text, &found))
        return "is neither token_bucket nor sliding_window";
    *ret = (enum limit_algorithm)found;
    return NULL;
}

const char *rule_read_mode(struct span text, enum limit_mode *ret)
{
    unsigned found;

    if (!find_word(limit_mode_name, text, &found))
        return "is none of enforce, shadow, off";
    *ret = (enum limit_mode)found;
    return NULL;
}

const char *rule_read_period(struct span text, enum budget_period *ret)
{
    unsigned found;

    if (!text.ptr)
        return "is missing";
    if (!find_word(budget_period_name, text, &found))
        return "is none of day, week, month, total, rolling";
    *ret = (enum budget_period)found;
    return NULL;
}

const char *rule_read_zone(struct span text)
{
    struct zone *zone = zone_open(text);

    if (!zone)
        return "is no time zone like Europe/Berlin (the system's tzdata has the list)";
    zone_close(zone);
    return NULL;
}
