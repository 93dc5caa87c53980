/* Chat completions, between a client and a provider of them. */
#include "tests/fuzz/fuzz_dialect.h"

static bool is_json(struct span text)
{
    struct json_value value;
    struct json_error error;

    return json_check(text, &value, &error);
}

/* What goes on in its own dialect stays a record, and JSON when it was. */
static void must_stay_whole(const struct sse_record *record, const struct passing *passing)
{
    struct sse_framer framer;
    struct sse_record made;
    struct buffer out;
    struct span rest;
    bool last = false;

    buffer_init(&out, FUZZ_OUT_BYTES);
    MUST(passing->count <= PASSING_PIECES);
    for (unsigned i = 0; i < passing->count; i++)
        MUST(buffer_append(&out, passing->pieces[i]));
    sse_init(&framer, FUZZ_OUT_BYTES);
    for (rest = buffer_span(&out); sse_next(&framer, &rest, &made) == SSE_RECORD;) {
        MUST(!is_json(record->data) || is_json(made.data));
        last = true;
    }
    MUST(last);
    sse_done(&framer);
    buffer_done(&out);
}

static void pass_on(struct span bytes, enum usage_wish wish)
{
    struct stream_tap tap = {.wish = (uint8_t)wish};
    struct passing passing;
    struct sse_framer framer;
    struct sse_record record;
    struct arena arena;

    arena_init(&arena, 0);
    usage_init(&tap.usage);
    sse_init(&framer, FUZZ_OUT_BYTES);
    while (sse_next(&framer, &bytes, &record) == SSE_RECORD)
        if (record.has_data) {
            (void)dialect_openai.tap_record(&tap, &record);
            if (dialect_openai.pass_record(&tap, &record, &arena, &passing))
                must_stay_whole(&record, &passing);
        }
    sse_done(&framer);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fuzz_pair pair = {
        .client = &dialect_openai,
        .provider = &dialect_openai,
        .model = "m",
        .stranger = DIALECT_anthropic,
    };

    pass_on(span_of((const char *)data, size), USAGE_HIDDEN);
    pass_on(span_of((const char *)data, size), USAGE_APART);
    return fuzz_dialect(&pair, data, size);
}
