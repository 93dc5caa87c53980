#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/settings/settings_inside.h"

/* Reads TEXT into MEMBER; NULL, or what is wrong with it.  The text is one of the file with its
 * variables replaced, in the arena (or a preset). */
typedef const char *value_f(const struct setting_row *row, struct span text, void *member);

static const char *read_span(const struct setting_row *row, struct span text, void *member)
{
    (void)row;
    *(struct span *)member = text;
    return NULL;
}

static const char *read_number(const struct setting_row *row, uint64_t number, void *member)
{
    if (number < row->low || number > row->high)
        return "is out of bounds";
    *(uint64_t *)member = number;
    return NULL;
}

static const char *read_count(const struct setting_row *row, struct span text, void *member)
{
    uint64_t number;

    if (!span_read_u64(text, &number))
        return "is not a whole number";
    return read_number(row, number, member);
}

static const struct {
    struct span suffix;
    uint64_t factor;
} size_units[] = {
    {{"KiB", 3}, 1024}, {{"MiB", 3}, 1048576}, {{"GiB", 3}, 1073741824}, {{"KB", 2}, 1000},
    {{"kB", 2}, 1000},  {{"MB", 2}, 1000000},  {{"GB", 2}, 1000000000},  {{"B", 1}, 1},
};

static const char *read_size(const struct setting_row *row, struct span text, void *member)
{
    static const char *const wrong = "is not a size (like 64KiB, 32MiB, 1MB)";
    uint64_t number;

    if (span_read_u64(text, &number))
        return read_number(row, number, member);
    for (unsigned i = 0; i < ARRAY_LEN(size_units); i++) {
        if (!span_ends(text, size_units[i].suffix))
            continue;
        if (!span_read_u64(span_of(text.ptr, text.len - size_units[i].suffix.len), &number) ||
            __builtin_mul_overflow(number, size_units[i].factor, &number))
            return wrong;
        return read_number(row, number, member);
    }
    return wrong;
}

static const char *read_duration(const struct setting_row *row, struct span text, void *member)
{
    uint64_t ms;

    if (span_read_u64(text, &ms) && ms != 0)
        return "has no unit (like 500ms, 2s, 10m)";
    if (!clock_read_duration_ms(text, &ms))
        return "is not a time (like 500ms, 2s, 10m)";
    return read_number(row, ms, member);
}

static const char *read_switch(const struct setting_row *row, struct span text, void *member)
{
    (void)row;
    if (!span_eq(text, SPAN("true")) && !span_eq(text, SPAN("false")))
        return "is neither true nor false";
    *(uint64_t *)member = span_eq(text, SPAN("true"));
    return NULL;
}

static bool read_word(const char *const *words, struct span text, void *member)
{
    for (uint64_t i = 0; words[i]; i++) {
        if (span_eq(span_of_text(words[i]), text)) {
            *(uint64_t *)member = i;
            return true;
        }
    }
    return false;
}

static const char *read_level(const struct setting_row *row, struct span text, void *member)
{
    (void)row;
    return read_word(setting_levels, text, member) ? NULL
                                                   : "is none of debug, info, warning, error";
}

static const char *read_format(const struct setting_row *row, struct span text, void *member)
{
    (void)row;
    return read_word(setting_formats, text, member) ? NULL : "is none of auto, json, text";
}

static const char *read_signer(const struct setting_row *row, struct span text, void *member)
{
    (void)row;
    return read_word(setting_signers, text, member)
               ? NULL
               : "is none of default, none, bearer, api-key, x-api-key, x-goog-api-key, "
                 "access-token";
}

static const char *read_service(const struct setting_row *row, struct span text, void *member)
{
    (void)row;
    return read_word(setting_services, text, member)
               ? NULL
               : "is none of standard, batch, flex, priority";
}

static const char *read_strategy(const struct setting_row *row, struct span text, void *member)
{
    (void)row;
    return read_word(setting_strategies, text, member)
               ? NULL
               : "is none of weighted, round_robin, priority, least_busy, lowest_latency, "
                 "lowest_cost, headroom";
}

static const char *read_priority(const struct setting_row *row, struct span text, void *member)
{
    (void)row;
    return read_word(setting_priorities, text, member)
               ? NULL
               : "is none of default, high, normal, low";
}

static const char *read_probe(const struct setting_row *row, struct span text, void *member)
{
    (void)row;
    return read_word(setting_probes, text, member) ? NULL
                                                   : "is none of default, down, always, never";
}

/* Dollars. */
static const char *read_price(const struct setting_row *row, struct span text, void *member)
{
    uint64_t nano;

    if (span_eq(text, SPAN("unknown"))) {
        *(uint64_t *)member = PRICE_NOT_GIVEN;
        return NULL;
    }
    if (!price_read_dollars(text, 0, &nano) || nano > row->high)
        return "is no number of dollars from 0 to 10000";
    *(uint64_t *)member = nano;
    return NULL;
}

static const char *read_date(const struct setting_row *row, struct span text, void *member)
{
    int64_t date_ms;

    (void)row;
    if (!clock_read_date_ms(text, &date_ms))
        return "is no date like 2026-12-01 or 2026-12-01T08:00:00Z";
    *(uint64_t *)member = (uint64_t)date_ms;
    return NULL;
}

static const char *read_workers(const struct setting_row *row, struct span text, void *member)
{
    uint64_t number;

    if (span_eq(text, SPAN("auto"))) {
        *(uint64_t *)member = 0;
        return NULL;
    }
    if (!span_read_u64(text, &number) || number < row->low || number > row->high)
        return "is neither auto nor a number from 1 to 32";
    *(uint64_t *)member = number;
    return NULL;
}

static bool has_control(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 127)
            return true;
    }
    return false;
}

static const char *read_text(const struct setting_row *row, struct span text, void *member)
{
    if (text.len < row->low)
        return "is empty";
    if (text.len > row->high)
        return "is too long";
    if (has_control(text))
        return "has a control character";
    return read_span(row, text, member);
}

static const char *read_access(const struct setting_row *row, struct span text, void *member)
{
    if (span_eq(text, SPAN("off")))
        return read_span(row, SPAN_NONE, member);
    if (text.len == 0 || text.len > 4096 || has_control(text))
        return "is neither a file nor stderr nor off";
    return read_span(row, text, member);
}

static bool name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_' || c == '.';
}

static const char *read_name(const struct setting_row *row, struct span text, void *member)
{
    if (text.len < row->low || text.len > row->high)
        return "has not 1 to 64 characters";
    for (size_t i = 0; i < text.len; i++) {
        if (!name_byte(text.ptr[i]))
            return "may have letters, digits, `-`, `_` and `.` only";
    }
    return read_span(row, text, member);
}

static const char *read_model(const struct setting_row *row, struct span text, void *member)
{
    if (text.len < row->low || text.len > row->high)
        return "has not 1 to 200 characters";
    if (has_control(text) || span_find(text, SPAN(" ")) != SIZE_MAX)
        return "has a space or control character";
    return read_span(row, text, member);
}

static const char *read_kind(const struct setting_row *row, struct span text, void *member)
{
    if (!provider_kind_find(text))
        return "is no known kind of provider (docs/settings.md has the list)";
    return read_span(row, text, member);
}

static const char *read_url(const struct setting_row *row, struct span text, void *member)
{
    struct settings_url url;

    if (!settings_split_url(text, &url))
        return "is not a URL like https://host/v1 (without user, query, fragment)";
    return read_span(row, text, member);
}

static const char *read_url_path(const struct setting_row *row, struct span text, void *member)
{
    if (text.len < row->low || text.len > row->high || text.ptr[0] != '/' ||
        text.ptr[text.len - 1] == '/')
        return "is not a path like /v1, without a slash at its end";
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 127 || text.ptr[i] == '?' ||
            text.ptr[i] == '#')
            return "is not a path like /v1, without query and fragment";
    }
    return read_span(row, text, member);
}

static const char *read_proxy(const struct setting_row *row, struct span text, void *member)
{
    struct settings_url url;

    if (!settings_split_url(text, &url) || url.tls || url.path.len > 0)
        return "is not a proxy like http://host:3128";
    return read_span(row, text, member);
}

static const char *read_address(const struct setting_row *row, struct span text, void *member)
{
    struct span host;
    uint16_t port;

    if (text.len > 100 || !settings_split_address(text, &host, &port))
        return "is not HOST:PORT, [IPV6]:PORT or :PORT (ports are 1 to 65535)";
    return read_span(row, text, member);
}

/* STORE and REDIS: what is shown is masked by the caller, which has the arena. */
static const char *read_store(const struct setting_row *row, struct span text, void *member)
{
    (void)row;
    if (has_control(text) || !((span_starts(text, SPAN("sqlite:")) && text.len > 7) ||
                               (span_starts(text, SPAN("postgresql://")) && text.len > 13) ||
                               (span_starts(text, SPAN("postgres://")) && text.len > 11)))
        return "is neither sqlite:FILE nor postgresql://USER@HOST/NAME";
    ((struct settings_secret *)member)->value = secret_of(text);
    return NULL;
}

static const char *read_redis(const struct setting_row *row, struct span text, void *member)
{
    (void)row;
    if (span_starts(text, SPAN("rediss://")))
        return "asks for TLS, which a proxy beside the gateway must add (docs/hosts.md)";
    if (has_control(text) || !(span_starts(text, SPAN("redis://")) && text.len > 8))
        return "is not redis://HOST:PORT";
    ((struct settings_secret *)member)->value = secret_of(text);
    return NULL;
}

static const char *read_secret(const struct setting_row *row, struct span text, void *member)
{
    if (text.len > row->high)
        return "is too long";
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 127)
            return "has a space, control or non-ASCII character";
    }
    ((struct settings_secret *)member)->value = secret_of(text);
    return NULL;
}

/* ---- members of rules: checked here, kept as they are written -------------------------------
 */

static const char *keep(const char *wrong, struct span text, void *member)
{
    if (!wrong)
        *(struct span *)member = text;
    return wrong;
}

static const char *read_scope(const struct setting_row *row, struct span text, void *member)
{
    struct rule_scope scope;

    (void)row;
    return keep(rule_read_scope(text, &scope), text, member);
}

static const char *read_rate(const struct setting_row *row, struct span text, void *member)
{
    uint64_t amount, window_ms;

    (void)row;
    return keep(rule_read_rate(text, &amount, &window_ms), text, member);
}

static const char *read_amount(const struct setting_row *row, struct span text, void *member)
{
    uint64_t amount;

    (void)row;
    return keep(rule_read_amount(text, &amount), text, member);
}

static const char *read_money(const struct setting_row *row, struct span text, void *member)
{
    uint64_t nano;

    (void)row;
    return keep(rule_read_money(text, &nano), text, member);
}

/* Whether it is over the amount is seen when the whole rule is read. */
static const char *read_soft(const struct setting_row *row, struct span text, void *member)
{
    uint64_t nano;

    (void)row;
    return keep(rule_read_soft(text, UINT64_MAX, &nano), text, member);
}

static const char *read_algorithm(const struct setting_row *row, struct span text, void *member)
{
    enum limit_algorithm algorithm;

    (void)row;
    return keep(rule_read_algorithm(text, &algorithm), text, member);
}

static const char *read_mode(const struct setting_row *row, struct span text, void *member)
{
    enum limit_mode mode;

    (void)row;
    return keep(rule_read_mode(text, &mode), text, member);
}

static const char *read_period(const struct setting_row *row, struct span text, void *member)
{
    enum budget_period period;

    (void)row;
    return keep(rule_read_period(text, &period), text, member);
}

static const char *read_zone(const struct setting_row *row, struct span text, void *member)
{
    (void)row;
    return keep(rule_read_zone(text), text, member);
}

static value_f *const readers[SETTING_TYPES] = {
    [SETTING_ACCESS] = read_access,       [SETTING_ADDRESS] = read_address,
    [SETTING_COUNT] = read_count,         [SETTING_DURATION] = read_duration,
    [SETTING_FORMAT] = read_format,       [SETTING_KIND] = read_kind,
    [SETTING_LEVEL] = read_level,         [SETTING_MODEL] = read_model,
    [SETTING_NAME] = read_name,           [SETTING_PATH] = read_text,
    [SETTING_PROXY] = read_proxy,         [SETTING_REDIS] = read_redis,
    [SETTING_DATE] = read_date,           [SETTING_PRICE] = read_price,
    [SETTING_SERVICE] = read_service,     [SETTING_SECRET] = read_secret,
    [SETTING_SIGNER] = read_signer,       [SETTING_SIZE] = read_size,
    [SETTING_STORE] = read_store,         [SETTING_SWITCH] = read_switch,
    [SETTING_TEXT] = read_text,           [SETTING_URL] = read_url,
    [SETTING_URL_PATH] = read_url_path,   [SETTING_WORKERS] = read_workers,
    [SETTING_ALGORITHM] = read_algorithm, [SETTING_AMOUNT] = read_amount,
    [SETTING_MODE] = read_mode,           [SETTING_MONEY] = read_money,
    [SETTING_PERIOD] = read_period,       [SETTING_RATE] = read_rate,
    [SETTING_SCOPE] = read_scope,         [SETTING_SOFT] = read_soft,
    [SETTING_ZONE] = read_zone,           [SETTING_STRATEGY] = read_strategy,
    [SETTING_PROBE] = read_probe,         [SETTING_PRIORITY] = read_priority,
};

static bool is_secret(const struct setting_row *row)
{
    return row->type == SETTING_SECRET || row->type == SETTING_STORE ||
           row->type == SETTING_REDIS;
}

static void append_bound(struct buffer *out, const struct setting_row *row, uint64_t number)
{
    if (row->type == SETTING_SIZE)
        append_size(out, number);
    else if (row->type == SETTING_DURATION)
        append_duration(out, number);
    else
        (void)buffer_append_u64(out, number);
}

static bool has_bounds(const struct setting_row *row)
{
    return row->type == SETTING_SIZE || row->type == SETTING_DURATION ||
           row->type == SETTING_COUNT;
}

static void complain_value(struct reader *reader, const struct setting_row *row,
                           const struct node *node, const char *wrong)
{
    struct buffer bounds;
    struct span shown = node->text;

    if (shown.len > 80)
        shown.len = 80;
    buffer_init(&bounds, 200);
    if (has_bounds(row)) {
        (void)buffer_append(&bounds, SPAN("; from "));
        append_bound(&bounds, row, row->low);
        (void)buffer_append(&bounds, SPAN(" to "));
        append_bound(&bounds, row, row->high);
    }
    if (is_secret(row))
        complain_at(reader, node, "the value %s", wrong);
    else
        complain_at(reader, node, "`%.*s` %s%.*s", SPAN_ARG(shown), wrong,
                    SPAN_ARG(buffer_span(&bounds)));
    buffer_done(&bounds);
}

/* What --print-config shows of a secret. */
static struct span shown_of(struct reader *reader, const struct setting_row *row,
                            const struct node *node)
{
    struct span text = node->text;

    if (row->type != SETTING_SECRET)
        return mask_password(reader->arena, text);
    if (span_starts(text, SPAN("file:")) ||
        (span_starts(text, SPAN("${")) && span_find(text, SPAN("}")) == text.len - 1))
        return text;
    return SPAN("********");
}

bool read_value(struct reader *reader, const struct setting_row *row, const struct node *node,
                void *member)
{
    const char *wrong;
    struct span text;

    if (node->kind != NODE_TEXT) {
        complain_at(reader, node, "must be one value");
        return false;
    }
    if (node->null) {
        complain_at(reader, node, "has no value");
        return false;
    }
    if (!expand_text(reader, node, &text))
        return false;
    if (row->type == SETTING_SECRET && span_starts(node->text, SPAN("file:")) &&
        !read_secret_file(reader, node, span_skip(text, 5), &text))
        return false;
    wrong = readers[row->type](row, text, member);
    if (wrong) {
        complain_value(reader, row, node, wrong);
        return false;
    }
    if (is_secret(row))
        ((struct settings_secret *)member)->shown = shown_of(reader, row, node);
    return true;
}

void preset_value(const struct setting_row *row, void *member)
{
    CHECK(readers[row->type] && !is_secret(row));
    CHECK(!readers[row->type](row, span_of_text(row->preset), member));
}
