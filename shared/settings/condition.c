#include "shared/settings/condition.h"

#include "shared/base/check.h"

static const struct span condition_names[CONDITION_COUNT] = {
#define CONDITION(name, help) WORD(#name),
#include "shared/settings/conditions.def"
#undef CONDITION
};

static const struct span feature_names[FEATURE_COUNT] = {
#define FEATURE(name, help) WORD(#name),
#include "shared/settings/features.def"
#undef FEATURE
};

/* What they say is nobody's business but authentication's. */
static const struct span secret_headers[] = {
    WORD("authorization"), WORD("proxy-authorization"), WORD("cookie"),
    WORD("x-api-key"),     WORD("x-goog-api-key"),      WORD("api-key"),
};

static const struct span days[] = {
    WORD("mon"), WORD("tue"), WORD("wed"), WORD("thu"), WORD("fri"), WORD("sat"), WORD("sun"),
};

static bool header_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_';
}

static const char *wrong_name(struct span name)
{
    if (name.len == 0 || name.len > CONDITION_HEADER_LENGTH)
        return "is not NAME=VALUE, NAME=BEGINNING* or NAME=*";
    for (size_t i = 0; i < name.len; i++)
        if (!header_byte(name.ptr[i]))
            return "is not NAME=VALUE: the name of a header has letters, digits, `-` and `_`";
    for (unsigned i = 0; i < ARRAY_LEN(secret_headers); i++)
        if (span_eq_nocase(name, secret_headers[i]))
            return "names a header that carries a credential";
    return NULL;
}

const char *condition_read_header(struct span text, struct header_condition *ret)
{
    size_t equals = span_find(text, SPAN("="));
    const char *wrong = wrong_name(span_of(text.ptr, equals == SIZE_MAX ? 0 : equals));

    if (wrong)
        return wrong;
    ret->name = span_of(text.ptr, equals);
    ret->value = span_skip(text, equals + 1);
    ret->prefix = span_ends(ret->value, SPAN("*"));
    if (ret->prefix)
        ret->value.len--;
    else if (ret->value.len == 0)
        return "has no value; NAME=* is any";
    return NULL;
}

/* "HH:MM", at most 24:00; UINT32_MAX: it is none. */
static uint32_t read_minute(struct span text)
{
    uint64_t hour, minute;

    if (text.len != 5 || text.ptr[2] != ':' || !span_read_u64(span_of(text.ptr, 2), &hour) ||
        !span_read_u64(span_skip(text, 3), &minute) || minute > 59 ||
        hour * 60 + minute > CONDITION_MINUTES)
        return UINT32_MAX;
    return (uint32_t)(hour * 60 + minute);
}

const char *condition_read_hours(struct span text, uint32_t *ret_from, uint32_t *ret_until)
{
    uint32_t from, until;

    if (text.len != 11 || text.ptr[5] != '-')
        return "is not FROM-UNTIL like 08:00-18:00";
    from = read_minute(span_of(text.ptr, 5));
    until = read_minute(span_skip(text, 6));
    if (from >= CONDITION_MINUTES || until > CONDITION_MINUTES)
        return "has no such time: 00:00 to 23:59, or 24:00 as its end";
    if (from == until)
        return "ends when it begins; leave it out for the whole day";
    *ret_from = from;
    *ret_until = until;
    return NULL;
}

uint8_t condition_day(struct span text)
{
    for (unsigned i = 0; i < ARRAY_LEN(days); i++)
        if (span_eq(days[i], text))
            return (uint8_t)(1u << i);
    return 0;
}

uint32_t condition_feature(struct span name)
{
    for (unsigned i = 0; i < FEATURE_COUNT; i++)
        if (span_eq(feature_names[i], name))
            return 1u << i;
    return 0;
}

struct span condition_name(enum condition condition)
{
    CHECK((unsigned)condition < CONDITION_COUNT);
    return condition_names[condition];
}
