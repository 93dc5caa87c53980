#include "worker/translate/openai/openai_repeats.h"

#include "shared/base/check.h"

#define HELD_LIMIT_BYTES 65536
#define LONG_BYTES       64 /* so much is not said twice by chance */

static const struct text nothing = {"", 0};

/* FNV-1a, which goes on from what it had. */
static void add(struct said *said, struct text text)
{
    uint64_t hash = said->len > 0 ? said->hash : 0xcbf29ce484222325ULL;

    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * 0x100000001b3ULL;
    said->hash = hash;
    said->len += text.len;
}

/* Whether TEXT begins with all that was said. */
static bool begins_again(const struct said *said, struct text text)
{
    struct said beginning = {.len = 0};

    if (said->len == 0 || text.len < said->len)
        return false;
    add(&beginning, (struct text){text.ptr, said->len});
    return beginning.hash == said->hash;
}

static struct text behind(struct text text, size_t len)
{
    return (struct text){text.ptr + len, text.len - len};
}

static void forget_held(void *what)
{
    buffer_done(what);
}

struct openai_repeats *openai_repeats_new(struct arena *arena)
{
    struct openai_repeats *repeats = ARENA_NEW(arena, struct openai_repeats);

    buffer_init(&repeats->held, HELD_LIMIT_BYTES);
    arena_on_done(arena, forget_held, &repeats->held);
    return repeats;
}

static struct text say(struct said *said, struct text text)
{
    add(said, text);
    return text;
}

/* Only what stands behind all that was said. */
static struct text say_rest(struct said *said, struct text text)
{
    return say(said, behind(text, said->len));
}

static bool hold(struct openai_repeats *repeats, struct said *said, struct text text)
{
    if (repeats->held_at)
        return false;
    buffer_clear(&repeats->held);
    repeats->held.failed = false;
    if (!buffer_append(&repeats->held, span_of(text.ptr, text.len)))
        return false;
    repeats->held_at = said;
    return true;
}

/* "haha" after "ha", which may well be said thus. */
static bool is_echo(struct text text, size_t len)
{
    for (size_t i = len; i < text.len; i++)
        if (text.ptr[i] != text.ptr[i - len])
            return false;
    return true;
}

/* The piece that is held at SAID: TEXT tells what it was. */
static void judge_held(struct openai_repeats *repeats, struct said *said, struct text text,
                       struct text *ret_first)
{
    struct text held = {repeats->held.ptr, repeats->held.len};
    bool begins = text.len >= held.len && memcmp(text.ptr, held.ptr, held.len) == 0;
    bool again = begins && (text.len > held.len || repeats->quiet || !is_echo(held, said->len));

    repeats->held_at = NULL;
    repeats->sure = again;
    *ret_first = again ? say_rest(said, held) : say(said, held);
}

struct text openai_repeats_words(struct openai_repeats *repeats, struct said *said,
                                 struct text text, struct text *ret_first)
{
    bool again;

    *ret_first = nothing;
    if (repeats->held_at == said)
        judge_held(repeats, said, text, ret_first);
    again = begins_again(said, text);
    if (!again)
        return say(said, text);
    if (repeats->sure)
        return say_rest(said, text);
    if (text.len == said->len)
        return repeats->quiet ? nothing : say(said, text);
    if (said->len >= LONG_BYTES) {
        repeats->sure = true;
        return say_rest(said, text);
    }
    return hold(repeats, said, text) ? nothing : say(said, text);
}

struct text openai_repeats_arguments(struct openai_repeats *repeats, struct said *said,
                                     struct text text)
{
    if (!begins_again(said, text))
        return say(said, text);
    /* Within an object no brace follows the first one: it is the object again. */
    if (!repeats->sure && text.ptr[0] != '{')
        return say(said, text);
    repeats->sure = true;
    return say_rest(said, text);
}

struct text openai_repeats_release(struct openai_repeats *repeats, struct said *said)
{
    if (repeats->held_at != said)
        return nothing;
    repeats->held_at = NULL;
    return say(said, (struct text){repeats->held.ptr, repeats->held.len});
}
