#include "worker/translate/remote.h"

#include "shared/base/buffer.h"
#include "shared/base/check.h"
#include "shared/settings/quirk.h"

#include "worker/translate/dialect.h"

/* ---- what providers take -------------------------------------------------------------------
 */

enum takes {
    TAKES_URL, /* or refuses it itself, or the translation does */
    TAKES_BYTES,
    TAKES_EITHER, /* QUIRK_IMAGES_INLINE: bytes */
};

enum media_kind {
    KIND_IMAGE,
    KIND_AUDIO,
    KIND_DOCUMENT,
    KIND_COUNT
};

static const uint8_t takes[DIALECT_COUNT][KIND_COUNT] = {
    [DIALECT_openai] = {TAKES_EITHER, TAKES_BYTES, TAKES_BYTES},
    [DIALECT_responses] = {TAKES_EITHER, TAKES_URL, TAKES_EITHER},
    [DIALECT_anthropic] = {TAKES_EITHER, TAKES_URL, TAKES_EITHER},
    [DIALECT_gemini] = {TAKES_BYTES, TAKES_BYTES, TAKES_BYTES},
    [DIALECT_dashscope] = {TAKES_URL, TAKES_URL, TAKES_URL},
    [DIALECT_ernie] = {TAKES_URL, TAKES_URL, TAKES_URL},
};

/* A client that speaks the provider's dialect knows what it may say there. */
static bool needs_bytes(const struct remote_search *search, enum media_kind kind)
{
    enum takes how = (enum takes)takes[search->provider][kind];

    if (kind == KIND_IMAGE && (search->quirks & QUIRK_NO_IMAGES))
        return false;
    if (how == TAKES_EITHER)
        return (search->quirks & QUIRK_IMAGES_INLINE) != 0;
    return how == TAKES_BYTES && search->client != search->provider;
}

static bool needs_any(const struct remote_search *search)
{
    return needs_bytes(search, KIND_IMAGE) || needs_bytes(search, KIND_AUDIO) ||
           needs_bytes(search, KIND_DOCUMENT);
}

/* What Gemini reads by itself: its own files, and videos. */
static bool is_provider_file(const struct remote_search *search, struct span url)
{
    static const struct span own[] = {
        WORD("https://generativelanguage.googleapis.com/"),
        WORD("https://www.youtube.com/"),
        WORD("https://youtu.be/"),
    };

    for (unsigned i = 0; i < ARRAY_LEN(own); i++)
        if (search->provider == DIALECT_gemini && span_starts(url, own[i]))
            return true;
    return false;
}

static bool on_the_web(struct span url)
{
    static const struct span schemes[] = {WORD("https://"), WORD("http://")};

    for (unsigned i = 0; i < ARRAY_LEN(schemes); i++)
        if (url.len >= schemes[i].len &&
            span_eq_nocase(span_of(url.ptr, schemes[i].len), schemes[i]))
            return true;
    return false;
}

/* ---- where they stand ----------------------------------------------------------------------
 */

enum form {
    FORM_DATA_URL, /* the string */
    FORM_SOURCE,   /* the member's value */
    FORM_FILE,     /* the member and its name, here and below */
    FORM_FILE_NAMELESS,
    FORM_INLINE,
};

/* What is written around the type and the data. */
static const struct {
    struct span before, between, after;
} forms[] = {
    [FORM_DATA_URL] = {WORD("\"data:"), WORD(";base64,"), WORD("\"")},
    [FORM_SOURCE] = {WORD("{\"type\":\"base64\",\"media_type\":\""), WORD("\",\"data\":\""),
                     WORD("\"}")},
    [FORM_FILE] = {WORD("\"file_data\":\"data:"), WORD(";base64,"), WORD("\"")},
    [FORM_FILE_NAMELESS] = {WORD("\"filename\":\"document.pdf\",\"file_data\":\"data:"),
                            WORD(";base64,"), WORD("\"")},
    [FORM_INLINE] = {WORD("\"inlineData\":{\"mimeType\":\""), WORD("\",\"data\":\""),
                     WORD("\"}")},
};

/* A part of the TYPE (empty: any) has an address at OUTER, or at INNER in it. */
struct place {
    uint8_t dialect;
    struct span type, outer, inner;
    uint8_t kind; /* enum block_kind */
    uint8_t form;
};

static const struct place places[] = {
    {DIALECT_openai, WORD("image_url"), WORD("image_url"), WORD("url"), BLOCK_image,
     FORM_DATA_URL},
    {DIALECT_openai, WORD("image_url"), WORD("image_url"), WORD(""), BLOCK_image,
     FORM_DATA_URL},
    {DIALECT_openai, WORD("file"), WORD("file"), WORD("file_data"), BLOCK_document,
     FORM_DATA_URL},
    {DIALECT_responses, WORD("input_image"), WORD("image_url"), WORD(""), BLOCK_image,
     FORM_DATA_URL},
    {DIALECT_responses, WORD("input_file"), WORD("file_url"), WORD(""), BLOCK_document,
     FORM_FILE},
    {DIALECT_responses, WORD("input_file"), WORD("file_data"), WORD(""), BLOCK_document,
     FORM_DATA_URL},
    {DIALECT_anthropic, WORD("image"), WORD("source"), WORD("url"), BLOCK_image, FORM_SOURCE},
    {DIALECT_anthropic, WORD("document"), WORD("source"), WORD("url"), BLOCK_document,
     FORM_SOURCE},
    {DIALECT_gemini, WORD(""), WORD("fileData"), WORD("fileUri"), BLOCK_other, FORM_INLINE},
    {DIALECT_gemini, WORD(""), WORD("fileData"), WORD("file_uri"), BLOCK_other, FORM_INLINE},
    {DIALECT_gemini, WORD(""), WORD("file_data"), WORD("fileUri"), BLOCK_other, FORM_INLINE},
    {DIALECT_gemini, WORD(""), WORD("file_data"), WORD("file_uri"), BLOCK_other, FORM_INLINE},
};

struct searching {
    const struct remote_search *search;
    struct span body;
    struct arena *arena;
    struct remote *list;
    unsigned count;
};

/* The member's value, and its name with the quotes. */
static struct json_value member_named(struct json_value object, struct span key,
                                      struct span *ret_name)
{
    struct json_walk walk = json_walk(object);
    struct json_value value;
    struct span name;

    while (json_next(&walk, &name, &value)) {
        if (!json_inside_is(name, key))
            continue;
        *ret_name = span_of(name.ptr - 1, name.len + 2);
        return value;
    }
    return (struct json_value){.kind = JSON_ABSENT};
}

/* What is replaced: from the first byte of FROM to the end of TO. */
static void set_extent(struct remote *remote, struct span body, struct span from,
                       struct span to)
{
    remote->offset = (size_t)(from.ptr - body.ptr);
    remote->len = (size_t)(to.ptr + to.len - from.ptr);
}

static enum media_kind kind_of(enum block_kind kind)
{
    return kind == BLOCK_image ? KIND_IMAGE : kind == BLOCK_audio ? KIND_AUDIO : KIND_DOCUMENT;
}

static bool is_needed(const struct remote_search *search, const struct place *place,
                      struct span url)
{
    bool needed = place->kind == BLOCK_other
                      ? needs_any(search)
                      : needs_bytes(search, kind_of((enum block_kind)place->kind));

    return needed && on_the_web(url) && !is_provider_file(search, url);
}

/* Odd bodies name one place twice: the first counts. */
static void insert(struct searching *searching, struct remote *remote)
{
    struct remote **at = &searching->list;

    for (; *at && (*at)->offset < remote->offset; at = &(*at)->next)
        if ((*at)->offset + (*at)->len > remote->offset)
            return;
    if (*at && (*at)->offset < remote->offset + remote->len)
        return;
    remote->next = *at;
    *at = remote;
    searching->count++;
}

static void look_at_place(struct searching *searching, const struct place *place,
                          struct json_value part, const struct path *path)
{
    struct span name = SPAN_NONE, ignored, url;
    struct json_value outer = member_named(part, place->outer, &name), address = outer;
    struct path above = {.up = path, .key = place->outer};
    struct path below = {.up = &above, .key = place->inner};
    struct remote *remote;

    if (place->inner.len > 0 && outer.kind == JSON_OBJECT)
        address = member_named(outer, place->inner, &ignored);
    else if (place->inner.len > 0)
        return;
    if (address.kind != JSON_STRING)
        return;
    url = json_text(address, searching->arena);
    if (!is_needed(searching->search, place, url))
        return;
    remote = ARENA_NEW(searching->arena, struct remote);
    remote->url = url;
    remote->path = path_text(place->inner.len > 0 ? &below : &above, searching->arena);
    remote->kind = place->kind;
    remote->form = place->form;
    if (place->form == FORM_FILE && json_member(part, SPAN("filename")).kind != JSON_STRING)
        remote->form = FORM_FILE_NAMELESS;
    if (place->form == FORM_DATA_URL)
        set_extent(remote, searching->body, address.raw, address.raw);
    else
        set_extent(remote, searching->body, place->form == FORM_SOURCE ? outer.raw : name,
                   outer.raw);
    insert(searching, remote);
}

static void look_at_list(struct searching *searching, struct json_value list,
                         const struct path *path, unsigned depth);

/* PATH: of the part. What tools gave back may have parts in it, but these no others. */
static void look_at_part(struct searching *searching, struct json_value part,
                         const struct path *path, unsigned depth)
{
    struct json_value type = json_member(part, SPAN("type"));
    struct path content = {.up = path, .key = SPAN("content")};

    if (depth > 0 && json_text_eq(type, SPAN("tool_result")))
        look_at_list(searching, json_member(part, content.key), &content, depth - 1);
    for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
        const struct place *place = &places[i];

        if (place->dialect == searching->search->client &&
            (place->type.len == 0 || json_text_eq(type, place->type)))
            look_at_place(searching, place, part, path);
    }
}

static void look_at_list(struct searching *searching, struct json_value list,
                         const struct path *path, unsigned depth)
{
    struct json_walk walk = json_walk(list);
    struct path item = {.up = path};
    struct json_value part;

    if (list.kind != JSON_ARRAY)
        return;
    for (; searching->count <= searching->search->most && json_next(&walk, NULL, &part);
         item.index++)
        if (part.kind == JSON_OBJECT)
            look_at_part(searching, part, &item, depth);
}

/* The conversation, and what its items call their parts. */
static const struct {
    struct span list, parts[2];
} shapes[DIALECT_COUNT] = {
    [DIALECT_openai] = {WORD("messages"), {WORD("content"), WORD("")}},
    [DIALECT_responses] = {WORD("input"), {WORD("content"), WORD("output")}},
    [DIALECT_anthropic] = {WORD("messages"), {WORD("content"), WORD("")}},
    [DIALECT_gemini] = {WORD("contents"), {WORD("parts"), WORD("")}},
};

static void look_at_message(struct searching *searching, struct json_value message,
                            const struct path *path)
{
    const struct span *parts = shapes[searching->search->client].parts;

    for (unsigned i = 0; i < 2 && parts[i].len > 0; i++) {
        struct path inside = {.up = path, .key = parts[i]};

        look_at_list(searching, json_member(message, parts[i]), &inside, 1);
    }
}

struct remote *remote_find(const struct remote_search *search, struct json_value body,
                           struct arena *arena, unsigned *ret_count)
{
    struct searching searching = {.search = search, .body = body.raw, .arena = arena};
    struct path list = {.key = shapes[search->client].list}, item = {.up = &list};
    struct json_value messages, message;
    struct json_walk walk;

    *ret_count = 0;
    if (!needs_any(search) || list.key.len == 0)
        return NULL;
    messages = json_member(body, list.key);
    walk = json_walk(messages);
    for (; messages.kind == JSON_ARRAY && json_next(&walk, NULL, &message); item.index++)
        if (message.kind == JSON_OBJECT)
            look_at_message(&searching, message, &item);
    *ret_count = searching.count;
    return searching.list;
}

/* ---- in their places -----------------------------------------------------------------------
 */

void remote_splice(struct span body, const struct remote *list, struct buffer *out)
{
    size_t at = 0;

    for (; list; list = list->next) {
        CHECK(list->offset >= at && list->offset + list->len <= body.len);
        (void)buffer_append(out, span_of(body.ptr + at, list->offset - at));
        (void)buffer_append(out, forms[list->form].before);
        (void)buffer_append(out, list->type);
        (void)buffer_append(out, forms[list->form].between);
        (void)buffer_append(out, list->base64);
        (void)buffer_append(out, forms[list->form].after);
        at = list->offset + list->len;
    }
    (void)buffer_append(out, span_skip(body, at));
}
