/* Usage: totals and the last requests, sums by any dimension, rows, one request, the chains. */
#include <errno.h>
#include <stdio.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/encode.h"

#include "supervisor/admin/routes.h"
#include "supervisor/admin/usage_answer.h"
#include "supervisor/ledger/calendar.h"
#include "supervisor/ledger/ledger_verify.h"
#include "supervisor/ledger/usage.h"
#include "supervisor/ledger/usage_time.h"

#define FLUSH_MS    3000
#define LIMIT       1000
#define LIMIT_MOST  10000
#define CHAINS_MOST 1000

/* ---- totals and the last requests ----------------------------------------------------------
 */

static void write_known(struct json_writer *writer, struct span key, uint64_t number)
{
    json_write_key(writer, key);
    if (number == USAGE_UNKNOWN)
        json_write_null(writer);
    else
        json_write_u64(writer, number);
}

/* A number of the record; that of its outcome as a word. */
static void write_figure(struct json_writer *writer, struct span key, uint64_t number)
{
    struct span word = span_eq(key, SPAN("outcome")) ? outcome_name(number) : SPAN_NONE;

    if (word.ptr)
        json_write_member_text(writer, key, word);
    else
        write_known(writer, key, number);
}

static void write_record(struct json_writer *writer, const struct usage_record *record)
{
    json_write_object(writer);
#define USAGE_TEXT(tag, member)   json_write_member_text(writer, SPAN(#member), record->member);
#define USAGE_NUMBER(tag, member) write_figure(writer, SPAN(#member), record->member);
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
    json_write_object_end(writer);
}

static void write_sum(struct json_writer *writer, const struct usage_sum *sum)
{
    json_write_member_u64(writer, SPAN("requests"), sum->requests);
    json_write_member_u64(writer, SPAN("failed"), sum->failed);
    json_write_member_u64(writer, SPAN("input_tokens"), sum->input_tokens);
    json_write_member_u64(writer, SPAN("output_tokens"), sum->output_tokens);
}

static void write_usage(struct json_writer *writer, const struct usage_report *report)
{
    json_write_object(writer);
    write_sum(writer, &report->all);
    json_write_key(writer, SPAN("last"));
    json_write_array(writer);
    for (unsigned i = 0; i < report->last_count; i++)
        write_record(writer, &report->last[i]);
    json_write_array_end(writer);
    json_write_key(writer, SPAN("by_model"));
    json_write_array(writer);
    for (unsigned i = 0; i < report->model_count; i++) {
        json_write_object(writer);
        json_write_member_text(writer, SPAN("model"), report->models[i].model);
        write_sum(writer, &report->models[i]);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
    json_write_object_end(writer);
}

static void give_totals(struct admin_request *request)
{
    uint64_t limit = admin_query_number(request, SPAN("limit"), 20);
    struct usage_report report;
    struct json_writer writer;

    if (limit > USAGE_LAST_MAX)
        limit = USAGE_LAST_MAX;
    int result = store_usage(request->house->store, (unsigned)limit, &request->arena, &report);

    if (result < 0) {
        admin_refuse_errno(request, result, SPAN("usage"));
        return;
    }
    writer = admin_answer(request);
    write_usage(&writer, &report);
}

/* ---- what is asked -------------------------------------------------------------------------
 */

/* A question, while its parameters are read. */
struct asked {
    struct admin_request *request;
    struct statistics statistics;
    int64_t now_ms;
    bool any, rows, csv; /* any: more than a limit is asked for */
    struct span order;
};

typedef bool parameter_f(struct asked *asked, struct span value);

static bool take_group(struct asked *asked, struct span value)
{
    struct span name;
    enum dimension dimension;

    while (span_cut(&value, ',', &name)) {
        if (!statistics_dimension(name, &dimension))
            return false;
        asked->statistics.group |= 1U << dimension;
    }
    return true;
}

static bool take_columns(struct asked *asked, struct span value)
{
    struct span name;

    while (span_cut(&value, ',', &name)) {
        uint64_t sum = statistics_sum(name);

        if (sum == 0)
            return false;
        asked->statistics.columns |= sum;
    }
    return true;
}

static bool take_bucket(struct asked *asked, struct span value)
{
    static const struct span words[] = {[BUCKET_HOUR] = WORD("hour"),
                                        [BUCKET_DAY] = WORD("day"),
                                        [BUCKET_MONTH] = WORD("month")};

    for (unsigned i = BUCKET_HOUR; i < ARRAY_LEN(words); i++) {
        if (!span_eq(value, words[i]))
            continue;
        asked->statistics.bucket = (enum time_bucket)i;
        return true;
    }
    return false;
}

static bool take_from(struct asked *asked, struct span value)
{
    int64_t end_ms;

    return usage_time_read(value, asked->now_ms, &asked->statistics.from_ms, &end_ms);
}

static bool take_to(struct asked *asked, struct span value)
{
    int64_t begin_ms;

    return usage_time_read(value, asked->now_ms, &begin_ms, &asked->statistics.to_ms);
}

static bool take_period(struct asked *asked, struct span value)
{
    return usage_time_read(value, asked->now_ms, &asked->statistics.from_ms,
                           &asked->statistics.to_ms);
}

static bool take_rows(struct asked *asked, struct span value)
{
    asked->rows = span_eq(value, SPAN("true"));
    return asked->rows || span_eq(value, SPAN("false"));
}

static bool take_format(struct asked *asked, struct span value)
{
    asked->csv = span_eq(value, SPAN("csv"));
    return asked->csv || span_eq(value, SPAN("json"));
}

static bool take_order(struct asked *asked, struct span value)
{
    if (span_starts(value, SPAN("-"))) {
        asked->order = span_skip(value, 1);
        return true;
    }
    asked->statistics.ascending = true;
    asked->order = value;
    return true;
}

static bool take_limit(struct asked *asked, struct span value)
{
    uint64_t number;

    if (!span_read_u64(value, &number) || number == 0 || number > LIMIT_MOST)
        return false;
    asked->statistics.limit = (unsigned)number;
    return true;
}

static bool take_offset(struct asked *asked, struct span value)
{
    uint64_t number;

    if (!span_read_u64(value, &number) || number > INT32_MAX)
        return false;
    asked->statistics.offset = (unsigned)number;
    return true;
}

/* "MILLISECONDS,ID" */
static bool take_after(struct asked *asked, struct span value)
{
    struct span ms;
    uint64_t number;

    if (!span_cut(&value, ',', &ms) || !value.ptr || !span_read_u64(ms, &number) ||
        number >= (uint64_t)CALENDAR_END_MS)
        return false;
    asked->statistics.after_ms = (int64_t)number;
    asked->statistics.after_id = value;
    return true;
}

static const struct {
    struct span name;
    parameter_f *take;
    const char *form;
} parameters[] = {
    {WORD("group_by"), take_group, "dimensions, separated by commas"},
    {WORD("columns"), take_columns, "sums, separated by commas"},
    {WORD("bucket"), take_bucket, "hour, day or month"},
    {WORD("from"), take_from, "a time, a date, today, month, 7d"},
    {WORD("to"), take_to, "a time, a date, today, month, 7d"},
    {WORD("period"), take_period, "today, yesterday, month, last-month, 7d or a date"},
    {WORD("rows"), take_rows, "true or false"},
    {WORD("format"), take_format, "json or csv"},
    {WORD("order"), take_order, "a column, with - before it: the greatest first"},
    {WORD("limit"), take_limit, "1 to 10000"},
    {WORD("offset"), take_offset, "a number"},
    {WORD("after"), take_after, "what X-Next said"},
};

static bool take_filter(struct asked *asked, struct span name, struct span value)
{
    struct statistics *statistics = &asked->statistics;
    struct statistics_filter *filter = &statistics->filters[statistics->filter_count];

    if (statistics->filter_count == STATISTICS_FILTERS ||
        !statistics_dimension(name, &filter->dimension) ||
        !statistics_value(filter->dimension, value, &filter->value))
        return false;
    statistics->filter_count++;
    return true;
}

static bool wrong(struct asked *asked, struct span name, const char *form)
{
    struct buffer _buffer_ text;

    buffer_init(&text, 4096);
    (void)buffer_append_format(&text, "%.*s: %s", SPAN_ARG(name), form);
    admin_refuse(asked->request, 400, "bad_request", buffer_span(&text));
    return false;
}

static bool take_parameter(struct asked *asked, struct span name, struct span value)
{
    for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
        if (!span_eq(name, parameters[i].name))
            continue;
        asked->any |= parameters[i].take != take_limit;
        return parameters[i].take(asked, value) || wrong(asked, name, parameters[i].form);
    }
    asked->any = true;
    return take_filter(asked, name, value) ||
           wrong(asked, name, "neither a parameter nor a dimension with a value of it");
}

/* Only a column of the answer, and our own copy of its name: it becomes part of a statement. */
static bool settle_order(struct asked *asked)
{
    const char *names[STATISTICS_COLUMNS];
    unsigned count = statistics_columns(&asked->statistics, names);

    if (!asked->order.ptr)
        return true;
    for (unsigned i = 0; i < count; i++) {
        if (span_eq(asked->order, span_of_text(names[i])))
            asked->statistics.order = names[i];
    }
    return asked->statistics.order || wrong(asked, SPAN("order"), "no column of the answer");
}

static bool read_question(struct asked *asked)
{
    struct span rest = asked->request->query, name, value;
    int more;

    asked->statistics.limit = LIMIT;
    asked->statistics.to_ms = CALENDAR_END_MS;
    while ((more = admin_query_next(asked->request, &rest, &name, &value)) > 0) {
        if (!take_parameter(asked, name, value))
            return false;
    }
    if (more < 0)
        return wrong(asked, SPAN("query"), "a broken escape");
    return settle_order(asked);
}

/* ---- sums and rows -------------------------------------------------------------------------
 */

static void give_table(struct asked *asked)
{
    struct statistics *statistics = &asked->statistics;
    struct usage_answer answer;
    struct store *store = asked->request->house->store;
    unsigned limit = statistics->limit;

    usage_answer_begin(&answer, asked->request, asked->csv, limit);
    answer.count = asked->rows ? statistics_row_columns(answer.names)
                               : statistics_columns(statistics, answer.names);
    usage_answer_head(&answer);
    statistics->limit++; /* is there more? */
    int64_t rows = asked->rows ? statistics_rows(store, statistics, usage_answer_row, &answer)
                               : statistics_sums(store, statistics, usage_answer_row, &answer);

    if (rows < 0)
        admin_refuse_errno(asked->request, (int)rows, SPAN("usage"));
    else if (asked->rows)
        usage_answer_end_rows(&answer);
    else
        usage_answer_end_sums(&answer, statistics->offset + limit);
}

/* What the workers have written down is brought into the store first. */
static bool flushed(struct admin_request *request)
{
    int result = ledger_flush(request->house->ledger, FLUSH_MS);

    if (result == 0 || result == -EAGAIN)
        return true;
    admin_refuse_errno(request, result, SPAN("usage"));
    return false;
}

void route_usage(struct admin_request *request)
{
    struct asked asked = {.request = request, .now_ms = clock_wall_ms()};

    if (span_starts(request->query, SPAN("limit=")) &&
        span_find(request->query, SPAN("&")) == SIZE_MAX)
        asked.order = SPAN_NONE; /* a limit alone may be any number, as ever */
    else if (!read_question(&asked))
        return;
    if (!flushed(request))
        return;
    if (asked.any)
        give_table(&asked);
    else
        give_totals(request);
}

void route_usage_one(struct admin_request *request)
{
    struct usage_answer answer;

    if (!flushed(request))
        return;
    usage_answer_begin(&answer, request, false, 1);
    answer.count = statistics_row_columns(answer.names);
    int64_t rows =
        statistics_one(request->house->store, request->arguments[0], usage_answer_one, &answer);

    if (rows <= 0)
        admin_refuse_errno(request, rows < 0 ? (int)rows : -ENOENT, SPAN("request"));
}

/* ---- chains --------------------------------------------------------------------------------
 */

static void write_chain(void *who, const struct store_value *values, unsigned count)
{
    struct json_writer *writer = who;

    CHECK(count == 5);
    json_write_object(writer);
    json_write_member_text(writer, SPAN("host"), values[0].text);
    json_write_member_text(writer, SPAN("month"), values[1].text);
    json_write_member_i64(writer, SPAN("rows"), values[2].number - values[4].number);
    json_write_member_i64(writer, SPAN("seq"), values[2].number);
    json_write_member_text(writer, SPAN("hash"), values[3].text);
    json_write_member_i64(writer, SPAN("removed_seq"), values[4].number);
    json_write_object_end(writer);
}

void route_ledger(struct admin_request *request)
{
    if (!flushed(request))
        return;
    struct json_writer writer = admin_answer(request);

    json_write_object(&writer);
    json_write_key(&writer, SPAN("chains"));
    json_write_array(&writer);
    int64_t rows = ledger_chains(request->house->store, CHAINS_MOST, write_chain, &writer);

    json_write_array_end(&writer);
    json_write_object_end(&writer);
    if (rows < 0)
        admin_refuse_errno(request, (int)rows, SPAN("ledger"));
}

static bool read_place(struct admin_request *request, struct verify_place *ret)
{
    struct span rest = request->query, name, value;
    uint64_t number = 0;

    while (admin_query_next(request, &rest, &name, &value) > 0) {
        if (span_eq(name, SPAN("hash"))) {
            if (value.len != 2 * SHA256_SIZE || !decode_hex(value, ret->hash, SHA256_SIZE))
                return false;
            continue;
        }
        if (!span_read_u64(value, &number) || number > INT64_MAX)
            return false;
        if (span_eq(name, SPAN("chain")))
            ret->chain = (int64_t)number;
        else if (span_eq(name, SPAN("seq")))
            ret->seq = (int64_t)number;
    }
    return true;
}

static void write_finding(struct json_writer *writer, const struct verify_report *report)
{
    json_write_key(writer, SPAN("finding"));
    if (!report->finding) {
        json_write_null(writer);
        return;
    }
    json_write_object(writer);
    json_write_member_text(writer, SPAN("what"), span_of_text(report->finding));
    json_write_member_text(writer, SPAN("host"), report->host);
    json_write_member_text(writer, SPAN("month"), report->month);
    json_write_member_i64(writer, SPAN("seq"), report->seq);
    json_write_member_i64(writer, SPAN("last_seq"), report->last_seq);
    json_write_member_text(writer, SPAN("request_id"), report->request_id);
    json_write_object_end(writer);
}

/* The place as the query of the next call; a chain's number is more than JSON's readers keep.
 */
static void write_next(struct json_writer *writer, const struct verify_place *place)
{
    char text[160], hash[2 * SHA256_SIZE + 1] = "";

    encode_hex(place->hash, SHA256_SIZE, hash);
    (void)snprintf(text, sizeof(text), "chain=%lld&seq=%lld&hash=%.64s",
                   (long long)place->chain, (long long)place->seq, hash);
    json_write_member_text(writer, SPAN("next"), span_of_text(text));
}

void route_ledger_verify(struct admin_request *request)
{
    struct verify_place place = {.chain = 0};
    struct verify_report report;

    if (!read_place(request, &place)) {
        admin_refuse(request, 400, "bad_request", SPAN("the place is not one that was given"));
        return;
    }
    int result = ledger_verify(request->house->store, &place, &request->arena, &report);

    if (result < 0) {
        admin_refuse_errno(request, result, SPAN("ledger"));
        return;
    }
    struct json_writer writer = admin_answer(request);

    json_write_object(&writer);
    json_write_member_u64(&writer, SPAN("rows"), report.rows);
    json_write_member_bool(&writer, SPAN("done"), report.done || report.finding);
    write_finding(&writer, &report);
    write_next(&writer, &place);
    json_write_object_end(&writer);
}
