/* Content of messages: blocks, each by its type. */
#include "shared/base/check.h"

#include "worker/translate/anthropic/anthropic_inside.h"
#include "worker/translate/media.h"

/* What is read from one object of content. */
struct source_block {
    struct translation *t;
    const struct path *path;
    struct json_value raw;
    struct json_value values[BLOCK_MEMBER_COUNT];
};

#define VALUE(source, member) ((source)->values[MEMBER_##member])

typedef bool read_block_f(struct source_block *source, struct message *ret);

static struct text known(struct source_block *source, enum block_member member)
{
    return text_of(source->values[member]);
}

static bool need_text(struct source_block *source, struct span name, enum block_member member,
                      struct text *ret)
{
    return anthropic_need(source->t, source->path, name, source->values[member]) &&
           read_known(source->t, source->path, name, source->values[member], ret);
}

static struct block *add(struct source_block *source, enum block_kind kind,
                         struct message *message)
{
    struct block *block = message_add_block(message, kind, source->t->arena);

    block->cache = (uint8_t)anthropic_cache_mark(VALUE(source, cache_control));
    return block;
}

/* ---- parts that answers have too --------------------------------------------------------- */

enum cache_mark anthropic_cache_mark(struct json_value cache_control)
{
    static const struct span names[] = {WORD("ttl")};
    struct json_value ttl;

    if (cache_control.kind != JSON_OBJECT)
        return CACHE_NONE;
    pick_members(cache_control, names, 1, &ttl);
    return json_text_eq(ttl, SPAN("1h")) ? CACHE_LONG : CACHE_SHORT;
}

void anthropic_read_reasoning(const struct json_value *values, bool redacted, struct block *ret)
{
    struct text signature = text_of(values[redacted ? MEMBER_data : MEMBER_signature]);
    enum dialect_id origin;

    ret->redacted = redacted;
    ret->text = redacted ? TEXT_NONE : text_of(values[MEMBER_thinking]);
    if (signature.len == 0)
        return; /* of a maker that signs nothing */
    ret->signature = signature_unpack(signature, DIALECT_anthropic, &origin);
    ret->origin = (uint8_t)origin;
}

struct citation *anthropic_read_citations(struct json_value list, struct arena *arena)
{
    static const struct span names[] = {WORD("url"), WORD("source"), WORD("title"),
                                        WORD("document_title"), WORD("cited_text")};
    struct json_walk walk = json_walk(list);
    struct citation *first = NULL, *last = NULL;
    struct json_value item, values[5];

    while (list.kind == JSON_ARRAY && json_next(&walk, NULL, &item)) {
        struct citation *citation = ARENA_NEW(arena, struct citation);

        pick_members(item, names, 5, values);
        citation->url = text_of(values[values[0].kind == JSON_STRING ? 0 : 1]);
        citation->title = text_of(values[values[2].kind == JSON_STRING ? 2 : 3]);
        citation->quote = text_of(values[4]);
        if (last)
            last->next = citation;
        else
            first = citation;
        last = citation;
    }
    return first;
}

/* ---- blocks ------------------------------------------------------------------------------ */

static bool read_text(struct source_block *source, struct message *ret)
{
    struct block *block = add(source, BLOCK_text, ret);

    block->citations = anthropic_read_citations(VALUE(source, citations), source->t->arena);
    return need_text(source, SPAN("text"), MEMBER_text, &block->text);
}

static bool read_thinking(struct source_block *source, struct message *ret)
{
    struct block *block = add(source, BLOCK_reasoning, ret);

    anthropic_read_reasoning(source->values, false, block);
    block->cache = CACHE_NONE;
    return need_text(source, SPAN("thinking"), MEMBER_thinking, &block->text);
}

/* What stands for the signature of the text before it; an empty text when there is none. */
static bool read_text_signature(struct source_block *source, struct message *ret)
{
    struct block *text = ret->last;
    enum dialect_id origin;
    struct text signature;

    if (!signature_unpack_text(known(source, MEMBER_data), &signature, &origin))
        return false;
    if (!text || text->kind != BLOCK_text || text->signature.ptr) {
        text = add(source, BLOCK_text, ret);
        text->text = TEXT("");
    }
    text->signature = signature;
    text->origin = (uint8_t)origin;
    return true;
}

static bool read_encrypted(struct source_block *source, struct message *ret)
{
    struct text data;
    struct block *block = add(source, BLOCK_reasoning, ret);

    anthropic_read_reasoning(source->values, true, block);
    block->cache = CACHE_NONE;
    return need_text(source, SPAN("data"), MEMBER_data, &data);
}

static bool read_redacted(struct source_block *source, struct message *ret)
{
    return read_text_signature(source, ret) || read_encrypted(source, ret);
}

static bool read_tool_use(struct source_block *source, struct message *ret)
{
    struct block *block = add(source, BLOCK_tool_call, ret);
    struct path input = {.up = source->path, .key = SPAN("input")};

    block->input = VALUE(source, input);
    if (block->input.kind != JSON_OBJECT && block->input.kind != JSON_ABSENT)
        return refuse(source->t, &input, "must be an object");
    if (block->input.kind == JSON_ABSENT)
        block->input = (struct json_value){JSON_OBJECT, SPAN("{}")};
    if (!need_text(source, SPAN("id"), MEMBER_id, &block->id) ||
        !need_text(source, SPAN("name"), MEMBER_name, &block->name))
        return false;
    block->id = signed_id_unpack(block->id, source->t->arena, &block->signature);
    block->origin = block->signature.ptr ? DIALECT_gemini : DIALECT_NONE;
    return true;
}

static bool read_tool_result(struct source_block *source, struct message *ret)
{
    struct block *block = add(source, BLOCK_tool_result, ret);
    struct path content = {.up = source->path, .key = SPAN("content")};
    struct message inside = {.role = ROLE_user};
    uint8_t is_error = MAYBE_ABSENT;
    struct text signature;

    if (!need_text(source, SPAN("tool_use_id"), MEMBER_tool_use_id, &block->id) ||
        !read_maybe(source->t, source->path, SPAN("is_error"), VALUE(source, is_error),
                    &is_error))
        return false;
    if (VALUE(source, content).kind != JSON_ABSENT &&
        !anthropic_read_content(source->t, &content, VALUE(source, content), &inside))
        return false;
    block->id = signed_id_unpack(block->id, source->t->arena, &signature);
    block->is_error = is_error == MAYBE_TRUE;
    block->content = inside.blocks;
    return true;
}

/* ---- media ------------------------------------------------------------------------------- */

/* The words of a document that is made of blocks; its images are named as dropped. */
static struct text content_words(struct translation *t, const struct path *path,
                                 struct json_value content)
{
    struct json_walk walk = json_walk(content);
    struct path item = {.up = path};
    struct json_value block, values[BLOCK_MEMBER_COUNT];
    struct buffer words _buffer_ = {.ptr = NULL};
    struct span all;

    if (content.kind != JSON_ARRAY)
        return content.kind == JSON_STRING ? text_of(content) : TEXT("");
    buffer_init(&words, content.raw.len);
    for (; json_next(&walk, NULL, &block); item.index++) {
        struct text text;

        anthropic_pick_block(block, values);
        text = text_of(values[MEMBER_text]);
        if (!text.ptr) {
            drop_at(t, &item);
            continue;
        }
        if (words.len > 0)
            (void)buffer_append(&words, SPAN("\\n"));
        (void)buffer_append(&words, span_of(text.ptr, text.len));
    }
    all = arena_copy(t->arena, buffer_span(&words));
    return (struct text){all.ptr, all.len};
}

static bool read_source(struct source_block *source, struct media *ret)
{
    static const struct span names[] = {WORD("type"), WORD("media_type"), WORD("data"),
                                        WORD("url"),  WORD("file_id"),    WORD("content")};

    static const struct {
        struct span type;
        uint8_t form;
        uint8_t data; /* which of the names */
    } forms[] = {
        {WORD("base64"), MEDIA_DATA, 2},  {WORD("url"), MEDIA_URL, 3},
        {WORD("file"), MEDIA_FILE, 4},    {WORD("text"), MEDIA_TEXT, 2},
        {WORD("content"), MEDIA_TEXT, 5},
    };
    struct path path = {.up = source->path, .key = SPAN("source")};
    struct path content = {.up = &path, .key = names[5]};
    struct path type = {.up = &path, .key = names[0]};
    struct json_value values[6];
    unsigned i = 0;

    if (VALUE(source, source).kind != JSON_OBJECT)
        return refuse(source->t, &path, "must be an object");
    pick_members(VALUE(source, source), names, 6, values);
    while (i < ARRAY_LEN(forms) && !json_text_eq(values[0], forms[i].type))
        i++;
    if (i == ARRAY_LEN(forms))
        return refuse(source->t, &type, "must be base64, url, file, text or content");
    ret->form = forms[i].form;
    ret->type = media_type_clean(text_of(values[1]), source->t->arena);
    if (forms[i].data == 5) {
        ret->data = content_words(source->t, &content, values[5]);
        return true;
    }
    return anthropic_need(source->t, &path, names[forms[i].data], values[forms[i].data]) &&
           read_known(source->t, &path, names[forms[i].data], values[forms[i].data],
                      &ret->data);
}

static bool read_image(struct source_block *source, struct message *ret)
{
    return read_source(source, &add(source, BLOCK_image, ret)->media);
}

static bool read_document(struct source_block *source, struct message *ret)
{
    struct block *block = add(source, BLOCK_document, ret);
    struct path context = {.up = source->path, .key = SPAN("context")};
    struct path citations = {.up = source->path, .key = SPAN("citations")};

    if (VALUE(source, context).kind != JSON_ABSENT)
        drop_at(source->t, &context);
    if (VALUE(source, citations).kind != JSON_ABSENT)
        drop_at(source->t, &citations);
    block->media.name = known(source, MEMBER_title);
    if (!read_source(source, &block->media))
        return false;
    if (block->media.form == MEDIA_TEXT && block->media.type.len == 0)
        block->media.type = TEXT("text/plain");
    return true;
}

/* A result of the client's own search: its title, where it was found, its words. */
static bool read_search_result(struct source_block *source, struct message *ret)
{
    struct path content = {.up = source->path, .key = SPAN("content")};
    struct arena *arena = source->t->arena;
    struct text words = content_words(source->t, &content, VALUE(source, content));
    struct text head = text_join(known(source, MEMBER_title), TEXT("\\n"), arena);

    head = text_join(head, known(source, MEMBER_source), arena);
    head = text_join(head, TEXT("\\n"), arena);
    add(source, BLOCK_text, ret)->text = text_join(head, words, arena);
    return true;
}

/* ---- all of them ------------------------------------------------------------------------- */

static bool read_other(struct source_block *source, struct message *ret)
{
    struct block *block = add(source, BLOCK_other, ret);

    block->origin = DIALECT_anthropic;
    block->raw = source->raw;
    return true;
}

static bool read_server_use(struct source_block *source, struct message *ret)
{
    struct act *act = anthropic_read_act(source->values, source->raw, source->t->arena);
    struct block *block;

    if (!act)
        return read_other(source, ret);
    block = add(source, BLOCK_hosted, ret);
    block->cache = CACHE_NONE;
    block->origin = DIALECT_anthropic;
    block->act = act;
    return true;
}

/* What came of a call belongs to its block. */
static bool read_server_result(struct source_block *source, struct message *ret)
{
    struct text id = known(source, MEMBER_tool_use_id);

    for (struct block *block = ret->blocks; block; block = block->next) {
        struct act *act = block->act;

        if (!act || act->result.kind != JSON_ABSENT || !text_eq(act->id, id))
            continue;
        act->result = source->raw;
        anthropic_read_act_result(VALUE(source, content), source->t->arena, act);
        return true;
    }
    return read_other(source, ret);
}

static const struct {
    struct span type;
    read_block_f *read;
} kinds[] = {
    {WORD("text"), read_text},
    {WORD("tool_use"), read_tool_use},
    {WORD("tool_result"), read_tool_result},
    {WORD("thinking"), read_thinking},
    {WORD("image"), read_image},
    {WORD("redacted_thinking"), read_redacted},
    {WORD("document"), read_document},
    {WORD("search_result"), read_search_result},
    {WORD("server_tool_use"), read_server_use},
    {WORD("web_search_tool_result"), read_server_result},
    {WORD("web_fetch_tool_result"), read_server_result},
    {WORD("code_execution_tool_result"), read_server_result},
    {WORD("bash_code_execution_tool_result"), read_server_result},
    /* the provider's own tools, which nobody else can run or replay */
    {WORD("text_editor_code_execution_tool_result"), read_other},
    {WORD("tool_search_tool_result"), read_other},
    {WORD("advisor_tool_result"), read_other},
    {WORD("mcp_tool_use"), read_other},
    {WORD("mcp_tool_result"), read_other},
    {WORD("container_upload"), read_other},
    {WORD("tool_reference"), read_other},
    {WORD("compaction"), read_other},
    {WORD("fallback"), read_other},
};

static bool read_block(struct source_block *source, struct message *ret)
{
    struct path type = {.up = source->path, .key = SPAN("type")};

    if (source->raw.kind != JSON_OBJECT)
        return refuse(source->t, source->path, "must be an object");
    anthropic_pick_block(source->raw, source->values);
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
        if (json_text_eq(VALUE(source, type), kinds[i].type))
            return kinds[i].read(source, ret);
    return refuse(source->t, &type, "is not a known type of content");
}

bool anthropic_read_content(struct translation *t, const struct path *path,
                            struct json_value content, struct message *ret)
{
    struct path item = {.up = path};
    struct source_block source = {.t = t, .path = &item};
    struct json_walk walk = json_walk(content);

    if (content.kind == JSON_STRING) {
        message_add_block(ret, BLOCK_text, t->arena)->text = text_of(content);
        return true;
    }
    if (content.kind != JSON_ARRAY)
        return refuse(t, path, "must be a string or an array of blocks");
    for (; json_next(&walk, NULL, &source.raw); item.index++)
        if (!read_block(&source, ret))
            return false;
    return true;
}
