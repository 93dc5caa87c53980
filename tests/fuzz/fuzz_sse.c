/* The SSE framer: no byte is lost or made up, and a stream in two pieces has the same events.
 */
#include "shared/base/buffer.h"
#include "shared/text/sse.h"

#include "tests/fuzz/fuzz.h"

struct heard {
    struct buffer raw;    /* all raw bytes, the unfinished rest included */
    struct buffer events; /* all fields, with lengths between */
    bool too_large;
};

static void note_field(struct buffer *events, struct span field)
{
    MUST(buffer_append_format(events, "%zu:%d ", field.len, field.ptr != NULL));
    MUST(buffer_append(events, field));
}

static void feed(struct sse_framer *framer, struct span bytes, struct heard *heard)
{
    while (!heard->too_large) {
        struct sse_record record;
        enum sse_result result = sse_next(framer, &bytes, &record);

        if (result == SSE_MORE) {
            MUST(bytes.len == 0);
            return;
        }
        if (result == SSE_TOO_LARGE) {
            heard->too_large = true;
            return;
        }
        MUST(record.raw.len > 0);
        MUST(buffer_append(&heard->raw, record.raw));
        if (!record.has_data && !record.event.ptr && !record.id.ptr)
            continue;
        note_field(&heard->events, record.event);
        note_field(&heard->events, record.data);
        note_field(&heard->events, record.id);
    }
}

static void hear(struct span first, struct span second, size_t limit_bytes, struct heard *heard)
{
    struct sse_framer framer;

    *heard = (struct heard){.too_large = false};
    buffer_init(&heard->raw, (size_t)64 << 20);
    buffer_init(&heard->events, (size_t)64 << 20);
    sse_init(&framer, limit_bytes);
    feed(&framer, first, heard);
    feed(&framer, second, heard);
    MUST(heard->too_large || buffer_append(&heard->raw, sse_rest(&framer)));
    sse_done(&framer);
}

static void forget(struct heard *heard)
{
    buffer_done(&heard->raw);
    buffer_done(&heard->events);
}

/* A LF that comes alone after a record given at its CR is the end of that record, not a rest.
 */
static bool is_all(struct span heard, struct span all)
{
    if (heard.len + 1 == all.len && span_ends(all, SPAN("\r\n")))
        return span_starts(all, heard);
    return span_eq(heard, all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t cut = take_cut(&data, &size);
    struct span all = span_of((const char *)data, size);
    struct heard whole;
    struct heard pieces;
    struct heard tight;

    hear(all, SPAN_NONE, size + 1, &whole);
    hear(span_of(all.ptr, cut), span_skip(all, cut), size + 1, &pieces);
    hear(span_of(all.ptr, cut), span_skip(all, cut), 16, &tight);
    MUST(!whole.too_large && !pieces.too_large);
    MUST(is_all(buffer_span(&whole.raw), all));
    MUST(is_all(buffer_span(&pieces.raw), all));
    MUST(span_eq(buffer_span(&whole.events), buffer_span(&pieces.events)));
    forget(&whole);
    forget(&pieces);
    forget(&tight);
    return 0;
}
