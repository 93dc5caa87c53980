#include "tests/support/chats.h"

#include "shared/base/check.h"

#include "tests/support/chats_inside.h"
#include "worker/translate/call.h"

#define MARKS_LIMIT 4

bool carries(enum dialect_id dialect, enum carried what)
{
    static const bool table[CARRIED_COUNT][4] = {
#define CARRIED(what, openai, responses, anthropic, gemini) \
    {openai, responses, anthropic, gemini},
#include "tests/support/carried.def"
#undef CARRIED
    };

    CHECK(dialect < 4);
    return table[what][dialect];
}

bool maker_may(struct chat_maker *maker, enum carried what, uint32_t count)
{
    return carries(maker->dialect, what) && luck_once_in(&maker->luck, count);
}

enum cache_mark maker_mark(struct chat_maker *maker, enum carried what)
{
    if (maker->marks >= MARKS_LIMIT || !maker_may(maker, what, 6))
        return CACHE_NONE;
    /* Those for long must come first, so one for long is the first or none. */
    return maker->marks++ == 0 && maker_may(maker, CARRIED_mark_any, 2) ? CACHE_LONG
                                                                        : CACHE_SHORT;
}

const struct model_traits *chats_traits(enum dialect_id dialect, bool by_budget)
{
    static const struct model_traits rows[][2] = {
        [DIALECT_openai] = {{.traits = TRAIT_SCHEMA_OUTPUT | TRAIT_THINKS_BY_EFFORT |
                                       TRAIT_CACHE_BREAKPOINTS},
                            {.traits = TRAIT_SCHEMA_OUTPUT | TRAIT_THINKS_BY_EFFORT |
                                       TRAIT_CACHE_BREAKPOINTS}},
        [DIALECT_responses] = {{.traits = TRAIT_SCHEMA_OUTPUT | TRAIT_THINKS_BY_EFFORT |
                                          TRAIT_CACHE_BREAKPOINTS},
                               {.traits = TRAIT_SCHEMA_OUTPUT | TRAIT_THINKS_BY_EFFORT |
                                          TRAIT_CACHE_BREAKPOINTS}},
        [DIALECT_anthropic] = {{.traits = TRAIT_SCHEMA_OUTPUT | TRAIT_THINKS_BY_EFFORT |
                                          TRAIT_TOOL_RESULT_MEDIA | TRAIT_MID_SYSTEM},
                               {.traits = TRAIT_SCHEMA_OUTPUT | TRAIT_THINKS_BY_BUDGET |
                                          TRAIT_TOOL_RESULT_MEDIA | TRAIT_MID_SYSTEM}},
        [DIALECT_gemini] = {{.traits = TRAIT_SCHEMA_OUTPUT | TRAIT_THINKS_BY_EFFORT |
                                       TRAIT_TOOL_RESULT_MEDIA | TRAIT_FORMAT_WITH_TOOLS},
                            {.traits = TRAIT_SCHEMA_OUTPUT | TRAIT_THINKS_BY_BUDGET |
                                       TRAIT_TOOL_RESULT_MEDIA | TRAIT_FORMAT_WITH_TOOLS}},
    };

    return &rows[dialect][by_budget];
}

/* ---- texts ------------------------------------------------------------------------------- */

static struct block *add(struct message *to, struct chat_maker *maker, enum block_kind kind)
{
    return message_add_block(to, kind, maker->luck.arena);
}

static void sign(struct chat_maker *maker, struct block *block)
{
    block->signature = luck_base64(&maker->luck);
    block->origin = (uint8_t)maker->dialect;
}

static void add_text(struct chat_maker *maker, struct message *to)
{
    struct block *block = add(to, maker, BLOCK_text);

    block->text = luck_words(&maker->luck);
    if (to->role != ROLE_assistant || carries(maker->dialect, CARRIED_mark_any))
        block->cache = (uint8_t)maker_mark(maker, CARRIED_mark_text);
    if (to->role == ROLE_assistant && maker_may(maker, CARRIED_signed_text, 4))
        sign(maker, block);
}

/* ---- media ------------------------------------------------------------------------------- */

static struct text address(struct chat_maker *maker, const char *ending)
{
    struct buffer made _buffer_;
    struct text name = luck_name(&maker->luck);
    struct span kept;

    buffer_init(&made, 256);
    CHECK(buffer_append_format(&made, "https://files.example/%.*s.%s", (int)name.len, name.ptr,
                               ending));
    kept = arena_copy(maker->luck.arena, buffer_span(&made));
    return (struct text){kept.ptr, kept.len};
}

static struct text file_name(struct chat_maker *maker)
{
    return luck_unique(&maker->luck, maker->dialect == DIALECT_gemini ? "files/f" : "file-",
                       luck_below(&maker->luck, 1000));
}

static enum media_form image_form(struct chat_maker *maker)
{
    if (maker_may(maker, CARRIED_image_file, 4))
        return MEDIA_FILE;
    return luck_once_in(&maker->luck, 2) ? MEDIA_URL : MEDIA_DATA;
}

static void fill(struct chat_maker *maker, struct media *media, enum media_form form,
                 const char *type, const char *ending)
{
    bool typed = form == MEDIA_DATA || maker->dialect == DIALECT_gemini ||
                 (form == MEDIA_URL && carries(maker->dialect, CARRIED_address_type));

    media->form = (uint8_t)form;
    media->data = form == MEDIA_DATA  ? luck_base64(&maker->luck)
                  : form == MEDIA_URL ? address(maker, ending)
                                      : file_name(maker);
    if (typed)
        media->type = (struct text){type, strlen(type)};
}

static void make_image(struct chat_maker *maker, struct block *block)
{
    static const char *const types[][2] = {
        {"image/png", "png"}, {"image/jpeg", "jpg"}, {"image/webp", "webp"}};
    static const struct text details[] = {{"low", 3}, {"high", 4}, {"auto", 4}};
    uint32_t type = luck_below(&maker->luck, ARRAY_LEN(types));

    fill(maker, &block->media, image_form(maker), types[type][0], types[type][1]);
    if (maker_may(maker, CARRIED_detail, 2))
        block->media.detail = details[luck_below(&maker->luck, ARRAY_LEN(details))];
}

static enum media_form document_form(struct chat_maker *maker)
{
    if (maker_may(maker, CARRIED_document_file, 4))
        return MEDIA_FILE;
    if (maker_may(maker, CARRIED_document_text, 3))
        return MEDIA_TEXT;
    return maker_may(maker, CARRIED_document_address, 2) ? MEDIA_URL : MEDIA_DATA;
}

static void make_document(struct chat_maker *maker, struct block *block)
{
    struct media *media = &block->media;
    enum media_form form = document_form(maker);
    bool here = form == MEDIA_DATA && carries(maker->dialect, CARRIED_document_name);

    fill(maker, media, form, "application/pdf", "pdf");
    if (form == MEDIA_TEXT) {
        media->data = luck_words(&maker->luck);
        media->type = TEXT("text/plain");
    }
    if (here || maker_may(maker, CARRIED_any_name, 2))
        media->name = luck_unique(&maker->luck, "paper ", luck_below(&maker->luck, 100));
}

static void make_media(struct chat_maker *maker, struct block *block)
{
    switch ((enum block_kind)block->kind) {
    case BLOCK_image: make_image(maker, block); break;
    case BLOCK_document: make_document(maker, block); break;
    case BLOCK_audio: fill(maker, &block->media, MEDIA_DATA, "audio/wav", "wav"); break;
    case BLOCK_text:
    case BLOCK_refusal:
    case BLOCK_reasoning:
    case BLOCK_tool_call:
    case BLOCK_tool_result:
    case BLOCK_hosted:
    case BLOCK_other: CHECK(false);
    }
}

static enum block_kind media_kind(struct chat_maker *maker)
{
    if (maker_may(maker, CARRIED_audio, 4))
        return BLOCK_audio;
    return luck_once_in(&maker->luck, 2) ? BLOCK_image : BLOCK_document;
}

/* ---- results ----------------------------------------------------------------------------- */

static struct block *add_content(struct chat_maker *maker, struct block *result,
                                 enum block_kind kind)
{
    struct message inside = {.role = ROLE_user};
    struct block *block = add(&inside, maker, kind), **end = &result->content;

    while (*end)
        end = &(*end)->next;
    *end = block;
    return block;
}

static void make_words(struct chat_maker *maker, struct block *result)
{
    struct block *text = add_content(maker, result, BLOCK_text);

    text->text = luck_words(&maker->luck);
    if (!result->is_error && maker_may(maker, CARRIED_result_json, 3))
        text->text = text_escape(luck_object(&maker->luck).raw, maker->luck.arena);
}

static void add_result(struct chat_maker *maker, struct message *to, const struct block *call)
{
    struct block *result = add(to, maker, BLOCK_tool_result);

    result->id = call->id;
    if (carries(maker->dialect, CARRIED_result_name))
        result->name = call->name;
    result->is_error = maker_may(maker, CARRIED_result_error, 4);
    make_words(maker, result);
    if (maker_may(maker, CARRIED_result_parts, 4))
        make_words(maker, result);
    if (maker_may(maker, CARRIED_result_media, 4))
        make_image(maker, add_content(maker, result, BLOCK_image));
    result->cache = (uint8_t)maker_mark(maker, CARRIED_mark_any);
}

/* ---- calls ------------------------------------------------------------------------------- */

/* One of the tools, or, when there are none, a name that nobody declared. */
static void choose_tool(struct chat_maker *maker, struct block *call)
{
    const struct tool *tool = maker->chat->tools;

    while (tool && (tool->kind == TOOL_HOSTED || luck_once_in(&maker->luck, 2)))
        tool = tool->next;
    call->name = tool ? tool->name : luck_unique(&maker->luck, "undeclared_", 1);
    call->custom = tool && tool->kind == TOOL_CUSTOM;
}

static void add_call(struct chat_maker *maker, struct message *to)
{
    struct block *call = add(to, maker, BLOCK_tool_call);

    call->id = luck_unique(&maker->luck,
                           carries(maker->dialect, CARRIED_call_ids) ? "toolu_" : "call_",
                           ++maker->calls);
    choose_tool(maker, call);
    if (call->custom)
        call->arguments = luck_words(&maker->luck);
    else if (carries(maker->dialect, CARRIED_call_text))
        call->arguments = text_escape(luck_object(&maker->luck).raw, maker->luck.arena);
    else
        call->input = luck_object(&maker->luck);
    if (maker_may(maker, CARRIED_signed_call, 3))
        sign(maker, call);
    call->cache = (uint8_t)maker_mark(maker, CARRIED_mark_any);
}

/* ---- turns ------------------------------------------------------------------------------- */

static struct message *add_message(struct chat_maker *maker, enum message_role role)
{
    struct message *message = chat_add_message(maker->chat, role, maker->luck.arena);

    if (maker_may(maker, CARRIED_names, 6))
        message->name = luck_name(&maker->luck);
    return message;
}

static enum message_role system_role(struct chat_maker *maker)
{
    if (!carries(maker->dialect, CARRIED_system_role))
        return ROLE_developer;
    return maker_may(maker, CARRIED_developer, 2) ? ROLE_developer : ROLE_system;
}

static void make_system(struct chat_maker *maker)
{
    struct message *message = add_message(maker, system_role(maker));

    add_text(maker, message);
    /* Joined where several texts have no place: only with marks do they stand apart. */
    if (carries(maker->dialect, CARRIED_many_texts) && luck_once_in(&maker->luck, 2))
        add_text(maker, message);
}

static void add_reasoning(struct chat_maker *maker, struct message *to)
{
    struct block *block = add(to, maker, BLOCK_reasoning);

    sign(maker, block);
    block->redacted = maker_may(maker, CARRIED_redacted, 3);
    if (!block->redacted)
        block->text = luck_words(&maker->luck);
}

static struct message *make_assistant(struct chat_maker *maker, bool last)
{
    struct message *message = add_message(maker, ROLE_assistant);

    if (!last && maker_may(maker, CARRIED_reasoning, 3))
        add_reasoning(maker, message);
    add_text(maker, message);
    if (maker_may(maker, CARRIED_many_texts, 4))
        add_text(maker, message);
    if (!last && maker_may(maker, CARRIED_refusal, 6))
        add(message, maker, BLOCK_refusal)->text = luck_words(&maker->luck);
    for (unsigned i = last ? 3 : luck_below(&maker->luck, 4); i < 3; i++)
        add_call(maker, message);
    return message;
}

/* The results of BEFORE's calls, in the message or messages that the dialect has for them; the
 * one that more may be said in, or NULL. */
static struct message *make_results(struct chat_maker *maker, const struct message *before)
{
    struct message *message = NULL;

    for (const struct block *call = before ? before->blocks : NULL; call; call = call->next) {
        if (call->kind != BLOCK_tool_call)
            continue;
        if (!message || carries(maker->dialect, CARRIED_result_alone))
            message = chat_add_message(maker->chat, ROLE_user, maker->luck.arena);
        add_result(maker, message, call);
    }
    return carries(maker->dialect, CARRIED_result_with_words) ? message : NULL;
}

static void make_user(struct chat_maker *maker, const struct message *before)
{
    bool must_speak = !before || before->last->kind != BLOCK_tool_call;
    struct message *message = make_results(maker, before);
    struct block *block;

    if (!must_speak && luck_once_in(&maker->luck, 2))
        return;
    message = message ? message : add_message(maker, ROLE_user);
    add_text(maker, message);
    for (unsigned i = luck_below(&maker->luck, 6); i < 2; i++) {
        block = add(message, maker, media_kind(maker));
        make_media(maker, block);
        block->cache = (uint8_t)maker_mark(maker, CARRIED_mark_any);
    }
}

void chats_make(uint64_t seed, enum dialect_id dialect, bool by_budget, struct arena *arena,
                struct chat *ret)
{
    struct chat_maker maker = {
        .luck = {seed, arena}, .chat = ret, .dialect = dialect, .by_budget = by_budget};
    struct message *assistant = NULL;
    unsigned rounds = 1 + luck_below(&maker.luck, 3);

    *ret = (struct chat){.dialect = (uint8_t)dialect};
    chats_make_tools(&maker);
    if (luck_once_in(&maker.luck, 2))
        make_system(&maker);
    for (unsigned i = 0; i < rounds; i++) {
        make_user(&maker, assistant);
        if (maker_may(&maker, CARRIED_system_anywhere, 6))
            make_system(&maker);
        if (i + 1 < rounds)
            assistant = make_assistant(&maker, false);
    }
    chats_make_settings(&maker);
    if (ret->reasoning.effort == EFFORT_ABSENT && ret->reasoning.budget.kind == JSON_ABSENT &&
        !ret->reasoning.adaptive && maker_may(&maker, CARRIED_prefill, 6))
        (void)make_assistant(&maker, true);
}
