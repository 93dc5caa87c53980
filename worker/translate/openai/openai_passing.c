/* Streams that pass in their own dialect: a look at each record, and the usage where the client
 * asked for it. Who asked finds it in a chunk of its own, as OpenAI sends it, also from those
 * who put it beside the finish reason; who did not ask sees none. */
#include "shared/base/check.h"

#include "worker/translate/openai/openai_inside.h"

static const struct span usage_key = WORD("\"usage\"");

static bool no_choices(struct json_value choices)
{
    struct json_walk walk;
    struct json_value item;
    struct span key;

    if (choices.kind != JSON_ARRAY)
        return false;
    walk = json_walk(choices);
    return !json_next(&walk, &key, &item);
}

static bool is_done(const struct sse_record *record)
{
    return span_eq(span_trim(record->data), SPAN("[DONE]"));
}

bool openai_tap_record(struct stream_tap *tap, const struct sse_record *record)
{
    static const struct span keys[] = {WORD("usage"), WORD("choices"), WORD("error"),
                                       WORD("service_tier")};
    struct json_value values[ARRAY_LEN(keys)];

    tap->usage_value = tap->choices_value = (struct json_value){.kind = JSON_ABSENT};
    tap->mentions = false;
    if (is_done(record)) {
        tap->finished = true;
        return false;
    }
    tap->mentions = span_find(record->data, usage_key) != SIZE_MAX;
    if (!tap->mentions && span_find(record->data, SPAN("\"error\"")) == SIZE_MAX)
        return false;
    if (!pick_unchecked(record->data, keys, ARRAY_LEN(keys), values))
        return false;
    tap->failed = tap->failed || values[2].kind > JSON_NULL;
    if (values[0].kind != JSON_OBJECT)
        return false;
    openai_read_usage(values[0], &tap->usage);
    usage_read_service(values[3], &tap->usage);
    tap->usage_value = values[0];
    tap->choices_value = values[1];
    return no_choices(values[1]);
}

/* ---- the record as the client gets it ---------------------------------------------------- */

static size_t skip_blank(struct span text, size_t at)
{
    while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\t'))
        at++;
    return at;
}

/* The end of the null or the object that begins at AT; AT: it is neither. */
static size_t value_end(struct span text, size_t at)
{
    struct span rest = span_skip(text, at);
    unsigned depth = 0;
    bool in_string = false;

    if (span_starts(rest, SPAN("null")))
        return at + strlen("null");
    for (size_t i = 0; i < rest.len && (i == 0 ? rest.ptr[0] == '{' : depth > 0); i++) {
        char c = rest.ptr[i];

        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
            continue;
        }
        in_string = c == '"';
        depth += c == '{';
        if (c == '}' && --depth == 0)
            return at + i + 1;
    }
    return at;
}

/* A member with one of its commas. */
static struct span with_comma(struct span text, size_t begin, size_t end)
{
    size_t next = skip_blank(text, end);

    while (begin > 0 && (text.ptr[begin - 1] == ' ' || text.ptr[begin - 1] == '\t'))
        begin--;
    if (begin > 0 && text.ptr[begin - 1] == ',')
        begin--;
    else if (next < text.len && text.ptr[next] == ',')
        end = skip_blank(text, next + 1);
    return span_of(text.ptr + begin, end - begin);
}

/* The first member `usage` in TEXT, wherever it stands: quotes within strings are escaped, so
 * what looks like its key is one. Empty: there is none. */
static struct span find_usage(struct span text)
{
    size_t from = 0, found;

    while ((found = span_find(span_skip(text, from), usage_key)) != SIZE_MAX) {
        size_t begin = from + found, at = skip_blank(text, begin + usage_key.len), end;

        from = begin + usage_key.len;
        if (at >= text.len || text.ptr[at] != ':')
            continue;
        at = skip_blank(text, at + 1);
        end = value_end(text, at);
        if (end > at)
            return with_comma(text, begin, end);
    }
    return SPAN_NONE;
}

static void add(struct passing *ret, struct span piece)
{
    if (piece.len > 0 && ret->count < PASSING_PIECES)
        ret->pieces[ret->count++] = piece;
}

/* Without any usage; what is more than there are pieces for stays. */
static bool hide_usage(struct span raw, struct passing *ret)
{
    struct span rest = raw, usage = find_usage(raw);

    if (!usage.ptr)
        return false;
    while (usage.ptr && ret->count < PASSING_PIECES - 1) {
        add(ret, span_of(rest.ptr, (size_t)(usage.ptr - rest.ptr)));
        rest = span_skip(rest, (size_t)(usage.ptr + usage.len - rest.ptr));
        usage = find_usage(rest);
    }
    add(ret, rest);
    return true;
}

/* A choice that ends here has a word for it. */
static bool finishes(struct json_value choices)
{
    static const struct span key = WORD("\"finish_reason\"");
    size_t found = span_find(choices.raw, key), at;

    if (choices.kind != JSON_ARRAY || found == SIZE_MAX)
        return false;
    at = skip_blank(choices.raw, found + key.len);
    if (at >= choices.raw.len || choices.raw.ptr[at] != ':')
        return false;
    at = skip_blank(choices.raw, at + 1);
    return at + 1 < choices.raw.len && choices.raw.ptr[at] == '"' &&
           choices.raw.ptr[at + 1] != '"';
}

/* RAW with BYTES in the place of PART. */
static void put_pieces(struct span raw, struct span part, struct span bytes,
                       struct passing *ret)
{
    add(ret, span_of(raw.ptr, (size_t)(part.ptr - raw.ptr)));
    add(ret, bytes);
    add(ret, span_skip(raw, (size_t)(part.ptr + part.len - raw.ptr)));
}

static struct span joined(const struct passing *pieces, struct arena *arena)
{
    struct buffer out _buffer_;

    buffer_init(&out, SIZE_MAX);
    for (unsigned i = 0; i < pieces->count; i++)
        (void)buffer_append(&out, pieces->pieces[i]);
    return arena_copy(arena, buffer_span(&out));
}

/* The usage comes once more, in a chunk without choices, before the end mark: it waits here,
 * because some send that chunk themselves. */
static bool set_usage_apart(struct stream_tap *tap, struct span raw, struct arena *arena,
                            struct passing *ret)
{
    struct passing apart = {.count = 0};

    put_pieces(raw, tap->choices_value.raw, SPAN("[]"), &apart);
    tap->apart = joined(&apart, arena);
    put_pieces(raw, tap->usage_value.raw, SPAN("null"), ret);
    return true;
}

static bool within(struct span raw, struct span part)
{
    return (uintptr_t)part.ptr >= (uintptr_t)raw.ptr &&
           (uintptr_t)part.ptr + part.len <= (uintptr_t)raw.ptr + raw.len;
}

bool openai_pass_record(struct stream_tap *tap, const struct sse_record *record,
                        struct arena *arena, struct passing *ret)
{
    bool usage = tap->usage_value.kind == JSON_OBJECT;

    ret->count = 0;
    if (tap->wish == USAGE_AS_IT_COMES ||
        !within(record->raw, record->data)) /* joined of several lines */
        return false;
    if (tap->wish == USAGE_HIDDEN)
        return tap->mentions && hide_usage(record->raw, ret);
    if (is_done(record)) {
        add(ret, tap->apart);
        add(ret, record->raw);
        return tap->apart.len > 0;
    }
    if (usage && no_choices(tap->choices_value))
        tap->apart = SPAN_NONE;
    if (!usage || !finishes(tap->choices_value) || tap->apart.ptr)
        return false;
    return set_usage_apart(tap, record->raw, arena, ret);
}
