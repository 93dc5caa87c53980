#include "tests/support/provider_side.h"

#include <check.h>

#include "shared/base/check.h"

#include "tests/support/hearing.h"
#include "tests/support/parsed.h"
#include "tests/support/spell.h"

/* What both ways need. */
struct side {
    struct arena arena;
    struct translation translation;
    struct chat chat;
};

static void begin(struct side *side, const char *model, struct buffer *out)
{
    buffer_clear(out);
    arena_init(&side->arena, 0);
    translation_init(&side->translation, &side->arena, 1, 1700000000);
    side->chat = (struct chat){.dialect = DIALECT_openai};
    side->translation.chat = &side->chat;
    side->translation.target.model = span_of_text(model);
}

/* ---- requests ---------------------------------------------------------------------------- */

void provider_asked(const struct dialect *dialect, const char *model, const char *body,
                    struct buffer *out)
{
    struct side side;
    struct json_writer json;
    struct buffer dropped _buffer_;

    begin(&side, model, out);
    buffer_init(&dropped, 1 << 20);
    ck_assert(dialect_openai.read_chat(&side.translation, parsed(body), &side.chat));
    json_write_init(&json, out);
    if (dialect->write_chat(&side.translation, &side.chat, &json)) {
        spell_dropped(&side.translation, &dropped);
        if (dropped.len > 0)
            CHECK(buffer_append_format(out, "\n%.*s", SPAN_ARG(buffer_span(&dropped))));
    } else {
        buffer_clear(out);
        CHECK(buffer_append_format(out, "refused: %.*s",
                                   (int)side.translation.refusal.message.len,
                                   side.translation.refusal.message.ptr));
    }
    arena_done(&side.arena);
}

/* ---- answers ----------------------------------------------------------------------------- */

void provider_answered(const struct dialect *dialect, const char *body, struct buffer *out)
{
    struct reply reply = {.created = 0};
    struct side side;

    begin(&side, "m", out);
    usage_init(&reply.usage);
    if (dialect->read_reply(&side.translation, parsed(body), &reply))
        spell_reply(&reply, out);
    else
        spell_complaint(&side.translation.refusal, out);
    arena_done(&side.arena);
}

/* ---- streams ----------------------------------------------------------------------------- */

void provider_streamed(const struct dialect *dialect, struct span bytes, size_t cut,
                       struct buffer *out)
{
    struct hearing hearing;

    buffer_clear(out);
    hearing_init(&hearing, dialect, DIALECT_openai);
    hearing.translation.target.model = SPAN("m");
    hearing_feed(&hearing, span_of(bytes.ptr, cut));
    hearing_feed(&hearing, span_skip(bytes, cut));
    hearing_end(&hearing);
    ck_assert(buffer_append(out, buffer_span(&hearing.said)));
    hearing_done(&hearing);
}
