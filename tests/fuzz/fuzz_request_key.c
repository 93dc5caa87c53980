/* The form that equal requests share: it is JSON, and its own form; a request in that form is
 * judged as before. And the header that says what is wanted of the cache.
 */
#include "shared/text/json.h"

#include "tests/fuzz/fuzz.h"
#include "worker/cache/request_key.h"
#include "worker/parse/cache_wish.h"

#define FORM_BYTES (1U << 20)

static bool form_of(struct json_value body, struct arena *arena, struct buffer *out)
{
    struct request_members members;

    request_members_read(body, arena, &members);
    return request_canonical(&members, UINT32_MAX, arena, out);
}

static void form_is_its_own(struct json_value body, struct arena *arena)
{
    struct buffer form, again;
    struct json_value value;
    struct json_error error;

    buffer_init(&form, FORM_BYTES);
    buffer_init(&again, FORM_BYTES);
    if (form_of(body, arena, &form)) {
        MUST(json_check(buffer_span(&form), &value, &error));
        MUST(form_of(value, arena, &again));
        MUST(span_eq(buffer_span(&form), buffer_span(&again)));
    }
    buffer_done(&form);
    buffer_done(&again);
}

static void class_is_one(struct json_value value, struct arena *arena)
{
    struct request_members body;
    const struct snapshot_cache_rules none = {0},
                                      all = {.sampled = 1, .tools = 1, .choices = 1};
    const struct head head = {.operation = OPERATION_responses, .dialect = DIALECT_responses};
    const struct ask ask = {.choices = 1};
    bool own, own_again;
    enum request_class strict, loose;

    request_members_read(value, arena, &body);
    strict = request_classify(&head, &ask, &body, &none, &own);
    loose = request_classify(&head, &ask, &body, &all, &own_again);

    MUST(own == own_again);
    MUST((strict == REQUEST_NEVER) == (loose == REQUEST_NEVER));
    MUST(loose != REQUEST_ASKED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of((const char *)data, size);
    struct cache_wish wish;
    struct arena arena;
    struct json_error error;
    struct json_value value;

    if (cache_wish_read(text, &wish))
        MUST(wish.said && (!wish.has_ttl || wish.ttl_s <= 31536000));
    if (!json_check(text, &value, &error))
        return 0;
    arena_init(&arena, 4096);
    form_is_its_own(value, &arena);
    class_is_one(value, &arena);
    arena_done(&arena);
    return 0;
}
