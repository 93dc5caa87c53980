/* Files in a request: whatever a body looks like, it is JSON with their bytes in their places
 * too, and what was found is named and stands in the body. */
#include "shared/base/buffer.h"
#include "shared/settings/quirk.h"

#include "tests/fuzz/fuzz.h"
#include "worker/translate/remote.h"

#define MOST 30

static void look(struct json_value body, const struct remote_search *search,
                 struct arena *arena)
{
    struct remote *list;
    struct json_error error;
    struct json_value again;
    struct buffer out;
    unsigned count = 0, counted = 0;

    list = remote_find(search, body, arena, &count);
    for (struct remote *at = list; at; at = at->next, counted++) {
        MUST(at->path.len > 0 && at->url.len >= strlen("http://"));
        MUST(at->offset + at->len <= body.raw.len);
        MUST(!at->next || at->next->offset >= at->offset + at->len);
        at->type = SPAN("image/png");
        at->base64 = SPAN("AAAA");
    }
    MUST(counted == count);
    buffer_init(&out, SIZE_MAX);
    remote_splice(body.raw, list, &out);
    MUST(json_check(buffer_span(&out), &again, &error) && again.kind == JSON_OBJECT);
    MUST(list || span_eq(buffer_span(&out), body.raw));
    buffer_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct remote_search search = {.quirks = QUIRK_IMAGES_INLINE, .most = MOST};
    struct json_value body;
    struct json_error error;
    struct arena arena;

    if (size < 1)
        return 0;
    search.client = (enum dialect_id)(data[0] % DIALECT_COUNT);
    search.provider = (enum dialect_id)(data[0] / DIALECT_COUNT % DIALECT_COUNT);
    if (!json_check(span_of((const char *)data + 1, size - 1), &body, &error) ||
        body.kind != JSON_OBJECT)
        return 0;
    arena_init(&arena, 0);
    look(body, &search, &arena);
    arena_done(&arena);
    return 0;
}
