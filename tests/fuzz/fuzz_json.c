/* The JSON reader: accepted text can be walked, each part stands on its own, decoded text that
 * is written and read again is the same, and a tap finds the same value whole and cut in two.
 */
#include "shared/base/arena.h"
#include "shared/base/buffer.h"
#include "shared/text/json.h"
#include "shared/text/json_write.h"

#include "tests/fuzz/fuzz.h"

static void text_survives(struct json_value string, struct arena *arena)
{
    struct span text = json_text(string, arena);
    struct json_error error;
    struct json_value again;
    struct buffer quoted;

    buffer_init(&quoted, (size_t)64 << 20);
    MUST(json_text_eq(string, text));
    MUST(json_append_quoted(&quoted, text));
    MUST(json_check(buffer_span(&quoted), &again, &error));
    MUST(span_eq(json_text(again, arena), text));
    buffer_done(&quoted);
}

static void walk_all(struct json_value value, struct arena *arena, unsigned depth)
{
    struct json_error error;
    struct json_value same;

    MUST(depth <= JSON_DEPTH_LIMIT);
    if (depth < 4) {
        MUST(json_check(value.raw, &same, &error));
        MUST(same.kind == value.kind);
    }
    if (value.kind == JSON_STRING)
        text_survives(value, arena);
    if (value.kind != JSON_ARRAY && value.kind != JSON_OBJECT)
        return;
    struct json_walk walk = json_walk(value);
    struct span key;
    struct json_value member;
    while (json_next(&walk, &key, &member)) {
        MUST(member.raw.ptr >= value.raw.ptr);
        MUST(member.raw.ptr + member.raw.len <= value.raw.ptr + value.raw.len);
        walk_all(member, arena, depth + 1);
    }
}

static void picks_agree(struct span text, bool accepted)
{
    struct json_pick picks[] = {{.key = SPAN("model")}, {.key = SPAN("stream")}};
    struct json_error error;
    struct json_value whole;
    size_t open;
    bool empty;

    if (!json_pick(text, picks, 2, &open, &empty, &error)) {
        MUST(error.offset <= text.len);
        return;
    }
    MUST(accepted);
    MUST(json_check(text, &whole, &error));
    MUST(open > 0 && text.ptr[open - 1] == '{');
    for (unsigned at = 0; at < 2; at++) {
        struct json_value member = json_member(whole, picks[at].key);
        MUST(member.kind == picks[at].value.kind);
        MUST(member.kind == JSON_ABSENT || member.raw.ptr == picks[at].value.raw.ptr);
    }
}

static void tap_agrees(struct span text, size_t cut, struct arena *arena)
{
    struct json_tap whole;
    struct json_tap pieces;

    json_tap_init(&whole);
    json_tap_init(&pieces);
    json_tap_want(&whole, 0, SPAN("usage"), 2048);
    json_tap_want(&pieces, 0, SPAN("usage"), 2048);
    json_tap_feed(&whole, text, arena);
    json_tap_feed(&pieces, span_of(text.ptr, cut), arena);
    json_tap_feed(&pieces, span_skip(text, cut), arena);
    struct json_value one = json_tap_value(&whole, 0);
    struct json_value two = json_tap_value(&pieces, 0);
    MUST(one.kind == two.kind);
    MUST(one.kind == JSON_ABSENT || span_eq(one.raw, two.raw));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t cut = take_cut(&data, &size);
    struct span text = span_of((const char *)data, size);
    struct arena arena;
    struct json_error error;
    struct json_value value;

    arena_init(&arena, 4096);
    bool accepted = json_check(text, &value, &error);

    if (accepted)
        walk_all(value, &arena, 1);
    else
        MUST(error.offset <= size && error.text);
    picks_agree(text, accepted);
    tap_agrees(text, cut, &arena);
    arena_done(&arena);
    return 0;
}
