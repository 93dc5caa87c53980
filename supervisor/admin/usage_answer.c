#include "supervisor/admin/usage_answer.h"

#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/journal/record.h"

void usage_answer_begin(struct usage_answer *answer, struct admin_request *request, bool csv,
                        unsigned limit)
{
    *answer = (struct usage_answer){.request = request, .csv = csv, .limit = limit};
    answer->writer = admin_answer(request);
    buffer_init(&answer->last_id, 1024);
    if (csv)
        request->content_type = "text/csv; charset=utf-8";
}

/* ---- values --------------------------------------------------------------------------------
 */

/* The number of an outcome is shown as its word. */
static struct span word_of(const char *name, const struct store_value *value)
{
    if (value->kind == STORE_NUMBER && strcmp(name, "outcome") == 0)
        return outcome_name((uint64_t)value->number);
    return SPAN_NONE;
}

static void write_json(struct json_writer *writer, const char *name,
                       const struct store_value *value)
{
    struct span word = word_of(name, value);

    json_write_key(writer, span_of_text(name));
    if (word.ptr)
        json_write_text(writer, word);
    else if (value->kind == STORE_NUMBER)
        json_write_i64(writer, value->number);
    else
        json_write_text(writer, value->kind == STORE_TEXT ? value->text : SPAN_NONE);
}

/* RFC 4180: quotes around what has a separator, and doubled inside. */
static void write_csv(struct buffer *out, struct span text)
{
    bool plain = true;

    for (size_t i = 0; i < text.len; i++)
        plain = plain && !memchr(",\"\r\n", text.ptr[i], 4);
    if (plain) {
        (void)buffer_append(out, text);
        return;
    }
    (void)buffer_append_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            (void)buffer_append_byte(out, '"');
        (void)buffer_append_byte(out, text.ptr[i]);
    }
    (void)buffer_append_byte(out, '"');
}

static void write_csv_row(struct usage_answer *answer, const struct store_value *values)
{
    struct buffer *out = &answer->request->answer;

    for (unsigned i = 0; i < answer->count; i++) {
        struct span word = word_of(answer->names[i], &values[i]);

        if (i > 0)
            (void)buffer_append_byte(out, ',');
        if (word.ptr)
            (void)buffer_append(out, word);
        else if (values[i].kind == STORE_NUMBER)
            (void)buffer_append_i64(out, values[i].number);
        else if (values[i].kind == STORE_TEXT)
            write_csv(out, values[i].text);
    }
    (void)buffer_append(out, SPAN("\r\n"));
}

/* ---- tables --------------------------------------------------------------------------------
 */

void usage_answer_head(struct usage_answer *answer)
{
    struct buffer *out = &answer->request->answer;

    if (!answer->csv) {
        json_write_object(&answer->writer);
        json_write_key(&answer->writer, SPAN("rows"));
        json_write_array(&answer->writer);
        return;
    }
    for (unsigned i = 0; i < answer->count; i++)
        (void)buffer_append_format(out, "%s%s", i ? "," : "", answer->names[i]);
    (void)buffer_append(out, SPAN("\r\n"));
}

static void note_last(struct usage_answer *answer, const struct store_value *values)
{
    for (unsigned i = 0; i < answer->count; i++) {
        if (strcmp(answer->names[i], "started_ms") == 0)
            answer->last_ms = values[i].number;
        if (strcmp(answer->names[i], "request_id") != 0)
            continue;
        buffer_clear(&answer->last_id);
        (void)buffer_append(&answer->last_id, values[i].text);
    }
}

void usage_answer_row(void *who, const struct store_value *values, unsigned count)
{
    struct usage_answer *answer = who;

    CHECK(count == answer->count);
    if (answer->rows == answer->limit) {
        answer->more = true;
        return;
    }
    answer->rows++;
    note_last(answer, values);
    if (answer->csv) {
        write_csv_row(answer, values);
        return;
    }
    json_write_object(&answer->writer);
    for (unsigned i = 0; i < count; i++)
        write_json(&answer->writer, answer->names[i], &values[i]);
    json_write_object_end(&answer->writer);
}

static void end(struct usage_answer *answer, struct span next)
{
    struct buffer _buffer_ header;

    buffer_init(&header, 4096);
    (void)buffer_append(&header, SPAN("X-Next: "));
    (void)buffer_append(&header, next);
    if (answer->more)
        answer->request->extra_header =
            arena_copy(&answer->request->arena, buffer_span(&header)).ptr;
    buffer_done(&answer->last_id);
    if (answer->csv)
        return;
    json_write_array_end(&answer->writer);
    json_write_key(&answer->writer, SPAN("next"));
    json_write_text(&answer->writer, answer->more ? next : SPAN_NONE);
    json_write_object_end(&answer->writer);
}

void usage_answer_end_sums(struct usage_answer *answer, unsigned next_offset)
{
    struct buffer _buffer_ next;

    buffer_init(&next, 64);
    (void)buffer_append_format(&next, "offset=%u", next_offset);
    end(answer, buffer_span(&next));
}

void usage_answer_end_rows(struct usage_answer *answer)
{
    struct buffer _buffer_ next;

    buffer_init(&next, 2048);
    (void)buffer_append_format(&next, "after=%lld,", (long long)answer->last_ms);
    (void)encode_percent(buffer_span(&answer->last_id), &next);
    end(answer, buffer_span(&next));
}

/* ---- one request ---------------------------------------------------------------------------
 */

/* Texts that are JSON become part of the answer; what was cut stays a text. */
static void write_part(struct json_writer *writer, const char *name,
                       const struct store_value *value)
{
    static const char *const lists[] = {"tags",      "limits",  "tries",     "rooms",
                                        "raw_usage", "dropped", "candidates"};

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        cJSON *tree =
            strcmp(name, lists[i]) == 0 && value->kind == STORE_TEXT && value->text.len > 0
                ? json_tree_read(value->text)
                : NULL;
        bool nested = cJSON_IsArray(tree) || cJSON_IsObject(tree);

        cJSON_Delete(tree);
        if (!nested)
            continue;
        json_write_key(writer, span_of_text(name));
        json_write_raw(writer, value->text);
        return;
    }
    write_json(writer, name, value);
}

void usage_answer_one(void *who, const struct store_value *values, unsigned count)
{
    struct usage_answer *answer = who;

    CHECK(count == answer->count + 3);
    if (answer->rows++ > 0)
        return;
    json_write_object(&answer->writer);
    for (unsigned i = 0; i < answer->count; i++)
        write_part(&answer->writer, answer->names[i], &values[i]);
    /* The chain's own number is more than JSON's readers keep. */
    write_json(&answer->writer, "seq", &values[answer->count + 1]);
    write_json(&answer->writer, "hash", &values[answer->count + 2]);
    json_write_object_end(&answer->writer);
    buffer_done(&answer->last_id);
}
