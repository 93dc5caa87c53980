/* Where the limits stand, in the header fields of the client's dialect; and why there was no
 * room, in words. */
#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/money.h"

#include "worker/flow/limits.h"
#include "worker/translate/dialect.h"
#include "worker/worker.h"

#define MESSAGE_LIMIT 512

/* ---- fields ------------------------------------------------------------------------------ */

/* A dialect without its own has those of the first, which everybody's tools know. */
static const struct dialect *speller(const struct exchange *x)
{
    const struct dialect *dialect = exchange_dialect(x);

    return dialect->limit_field_count > 0 ? dialect : dialect_row(DIALECT_DEFAULT);
}

/* "0s", "850ms", "1m12.5s": rounded up to tenths of a second from one second on. */
static void write_span(uint64_t ms, struct buffer *out)
{
    uint64_t tenths = (ms + 99) / 100, minutes = tenths / 600;

    if (ms == 0)
        (void)buffer_append(out, SPAN("0s"));
    else if (ms < 1000)
        (void)buffer_append_format(out, "%llums", (unsigned long long)ms);
    else if (minutes == 0)
        (void)buffer_append_format(out, "%llu.%llus", (unsigned long long)tenths / 10,
                                   (unsigned long long)tenths % 10);
    else
        (void)buffer_append_format(out, "%llum%llu.%llus", (unsigned long long)minutes,
                                   (unsigned long long)tenths % 600 / 10,
                                   (unsigned long long)tenths % 10);
}

static void write_time(uint64_t ms, struct buffer *out)
{
    char text[CLOCK_TEXT_SIZE];

    clock_write_rfc3339(clock_wall_ms() + (int64_t)(ms < INT32_MAX ? ms : INT32_MAX), text);
    (void)buffer_append(out, span_of(text, sizeof(text)));
}

static void write_value(const struct level *level, enum limit_value value, struct buffer *out)
{
    switch (value) {
    case LIMIT_VALUE_LIMIT: (void)buffer_append_u64(out, level->limit); break;
    case LIMIT_VALUE_REMAINING: (void)buffer_append_u64(out, level->remaining); break;
    case LIMIT_VALUE_RESET_SPAN: write_span(level->reset_ms, out); break;
    case LIMIT_VALUE_RESET_TIME: write_time(level->reset_ms, out); break;
    }
}

/* After a refusal the limit that refused; else the tightest that was taken. */
static const struct level *level_of(const struct exchange *x, enum limit_unit unit)
{
    const struct claim_refusal *refusal = &x->limits.refusal;
    const struct claim *claim;

    if (x->fault == FAULT_rate_limited && refusal->limit && refusal->limit->unit == unit)
        return &refusal->level;
    claim = claims_tightest(&x->limits.claims, unit);
    return claim ? &claim->level : NULL;
}

/* Whether the answer carries limits of the gateway. Those of places, and shadows, have no
 * field. */
static bool has_levels(const struct exchange *x, const struct dialect *dialect)
{
    if (x->fault == FAULT_rate_limited)
        return true;
    for (unsigned i = 0; i < dialect->limit_field_count; i++)
        if (claims_tightest(&x->limits.claims, (enum limit_unit)dialect->limit_fields[i].unit))
            return true;
    return false;
}

void limits_add_fields(struct exchange *x)
{
    const struct dialect *dialect = speller(x);
    struct buffer value _buffer_;

    buffer_init(&value, 64);
    if (x->limits.claims.rate_count == 0 && x->fault != FAULT_rate_limited)
        return;
    for (unsigned i = 0; i < dialect->limit_field_count; i++) {
        const struct limit_field *field = &dialect->limit_fields[i];
        const struct level *level = level_of(x, (enum limit_unit)field->unit);

        if (!level)
            continue;
        buffer_clear(&value);
        write_value(level, (enum limit_value)field->value, &value);
        reply_add_field(x->worker, field->name, buffer_span(&value));
    }
}

bool limits_hide_field(const struct exchange *x, struct span name)
{
    const struct dialect *dialect = speller(x);

    for (unsigned i = 0; i < dialect->limit_field_count; i++)
        if (span_eq(dialect->limit_fields[i].name, name))
            return has_levels(x, dialect);
    return false;
}

/* ---- words ------------------------------------------------------------------------------- */

static void add_subject(const struct exchange *x, const struct snapshot_scope *scope,
                        struct buffer *out)
{
    struct span subject = snapshot_span(x->view->snapshot, scope->subject);

    (void)buffer_append(out, limit_scope_name(scope->kind));
    if (scope->kind != LIMIT_SCOPE_tag && scope->kind != LIMIT_SCOPE_model)
        return; /* ids say nothing to the caller */
    (void)buffer_append(out, SPAN(" '"));
    (void)buffer_append(out, subject);
    (void)buffer_append(out, SPAN("'"));
}

static void say_limit(const struct exchange *x, struct buffer *out)
{
    const struct claim_refusal *refusal = &x->limits.refusal;
    uint64_t retry_ms = refusal->level.retry_ms;

    (void)buffer_append(out, SPAN("The limit of this "));
    add_subject(x, refusal->scope, out);
    (void)buffer_append(out, SPAN(" is reached: "));
    (void)buffer_append(out, snapshot_span(x->view->snapshot, refusal->limit->name));
    if (refusal->limit->unit == LIMIT_UNIT_concurrent)
        (void)buffer_append(out, SPAN(". Try again when one has ended."));
    else if (retry_ms == UINT64_MAX)
        (void)buffer_append(out, SPAN(". This request alone is more than it ever lets in."));
    else
        (void)buffer_append_format(out, ". There is room in %llu ms.",
                                   (unsigned long long)retry_ms);
}

static void add_dollars(uint64_t nano, struct buffer *out)
{
    (void)buffer_append_byte(out, '$');
    money_write(out, nano);
}

static void say_budget(const struct exchange *x, struct buffer *out)
{
    const struct claim_refusal *refusal = &x->limits.refusal;
    const struct claim_counts *counts = &x->limits.expected.counts;

    (void)buffer_append(out, SPAN("The budget '"));
    (void)buffer_append(out, snapshot_span(x->view->snapshot, refusal->budget->name));
    (void)buffer_append(out, SPAN("' of this "));
    add_subject(x, refusal->scope, out);
    (void)buffer_append(out, SPAN(" has no room: this request may cost up to "));
    add_dollars(refusal->budget->strict ? counts->cost_nano : counts->usual_cost_nano, out);
    (void)buffer_append(out, SPAN(" of "));
    add_dollars(refusal->budget->amount_nano, out);
    (void)buffer_append(out, SPAN("."));
}

void limits_say_refusal(struct exchange *x)
{
    struct buffer message _buffer_;

    buffer_init(&message, MESSAGE_LIMIT);
    if (x->fault == FAULT_rate_limited || x->fault == FAULT_too_busy)
        say_limit(x, &message);
    else if (x->fault == FAULT_budget_spent)
        say_budget(x, &message);
    else
        return;
    x->refusal.message = arena_copy(&x->arena, buffer_span(&message));
}

bool limits_never(const struct exchange *x)
{
    return x->fault == FAULT_rate_limited && x->limits.refusal.level.retry_ms == UINT64_MAX;
}

uint64_t limits_retry_ms(const struct exchange *x)
{
    uint64_t retry_ms = x->limits.refusal.level.retry_ms;

    if (x->fault == FAULT_too_busy)
        return 1000;
    if (turns_retry_ms(x) > 0)
        return turns_retry_ms(x);
    if (x->fault != FAULT_rate_limited || limits_never(x))
        return 0;
    return retry_ms > 0 ? retry_ms : 1;
}
