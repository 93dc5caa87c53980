/* What an answer rests on: groundingMetadata, urlContextMetadata and citationMetadata. */
#include "shared/base/check.h"

#include "worker/translate/gemini/gemini_inside.h"
#include "worker/translate/words.h"

/* ---- reading links ----------------------------------------------------------------------- */

struct links {
    struct citation *first, **end;
    struct arena *arena;
    struct span words; /* of the answer, decoded */
};

static struct citation *add_link(struct links *links)
{
    struct citation *link = ARENA_NEW(links->arena, struct citation);

    *links->end = link;
    links->end = &link->next;
    return link;
}

/* Places are in bytes here, from BEGIN on; one that is not said is the beginning. */
static struct json_value place_from(const struct links *links, uint64_t begin,
                                    struct json_value bytes)
{
    uint64_t number = 0;

    if (!links->words.ptr || (bytes.kind == JSON_NUMBER && !json_u64(bytes, &number)) ||
        __builtin_add_overflow(number, begin, &number))
        return (struct json_value){.kind = JSON_ABSENT};
    return words_number(words_characters_before(links->words, number), links->arena);
}

static struct json_value place(const struct links *links, struct json_value bytes)
{
    return place_from(links, 0, bytes);
}

/* A segment's places count within one part of the answer (Segment, API reference of Vertex AI),
 * and in answers of one part that is all of it. Its own words say where that part begins; 0
 * when they are not said or not found. */
static uint64_t part_begin(const struct links *links, struct json_value start,
                           struct json_value said)
{
    uint64_t number = 0;
    size_t found;

    if (!links->words.ptr || said.kind != JSON_STRING || said.raw.len <= 2 ||
        (start.kind == JSON_NUMBER && !json_u64(start, &number)) || number >= links->words.len)
        return 0;
    found = span_find(span_skip(links->words, number), json_text(said, links->arena));
    return found == SIZE_MAX ? 0 : found;
}

/* citationMetadata: places in the answer that are quoted. */
static void read_sources(struct links *links, struct json_value metadata)
{
    static const struct span lists[] = {WORD("citationSources"), WORD("citations")};
    static const struct span names[] = {WORD("uri"), WORD("title"), WORD("startIndex"),
                                        WORD("endIndex")};
    struct json_value list[ARRAY_LEN(lists)], values[ARRAY_LEN(names)], source;
    struct json_walk walk;

    gemini_pick(metadata, lists, ARRAY_LEN(lists), list);
    if (list[0].kind != JSON_ARRAY)
        list[0] = list[1];
    if (list[0].kind != JSON_ARRAY)
        return;
    for (walk = json_walk(list[0]); json_next(&walk, NULL, &source);) {
        struct citation *link;

        gemini_pick(source, names, ARRAY_LEN(names), values);
        if (values[0].kind != JSON_STRING)
            continue;
        link = add_link(links);
        link->url = text_of(values[0]);
        link->title = text_of(values[1]);
        if (values[3].kind != JSON_NUMBER)
            continue;
        link->start = place(links, values[2]);
        link->end = place(links, values[3]);
    }
}

/* The page in an item of groundingChunks; false when it is none. */
static bool read_chunk(struct json_value chunk, struct text *ret_url, struct text *ret_title)
{
    static const struct span names[] = {WORD("uri"), WORD("title")};
    struct json_value values[ARRAY_LEN(names)];

    gemini_pick(gemini_member(chunk, SPAN("web")), names, ARRAY_LEN(names), values);
    *ret_url = text_of(values[0]);
    *ret_title = text_of(values[1]);
    return ret_url->ptr != NULL;
}

static struct json_value item_at(struct json_value list, uint64_t index)
{
    struct json_value item = {.kind = JSON_ABSENT};
    struct json_walk walk = json_walk(list);

    for (uint64_t i = 0; json_next(&walk, NULL, &item); i++)
        if (i == index)
            return item;
    return (struct json_value){.kind = JSON_ABSENT};
}

/* One item of groundingSupports: a piece of the answer, and the pages that bear it. */
static void read_support(struct links *links, struct json_value support,
                         struct json_value chunks)
{
    static const struct span names[] = {WORD("segment"), WORD("groundingChunkIndices")};
    static const struct span ends[] = {WORD("startIndex"), WORD("endIndex"), WORD("text")};
    struct json_value values[ARRAY_LEN(names)], segment[ARRAY_LEN(ends)], index;
    struct json_walk walk;
    struct text url, title;
    uint64_t number, begin;

    gemini_pick(support, names, ARRAY_LEN(names), values);
    gemini_pick(values[0], ends, ARRAY_LEN(ends), segment);
    if (values[1].kind != JSON_ARRAY)
        return;
    begin = part_begin(links, segment[0], segment[2]);
    for (walk = json_walk(values[1]); json_next(&walk, NULL, &index);) {
        struct citation *link;

        if (!json_u64(index, &number) || !read_chunk(item_at(chunks, number), &url, &title))
            continue;
        link = add_link(links);
        link->url = url;
        link->title = title;
        if (segment[1].kind != JSON_NUMBER)
            continue;
        link->start = place_from(links, begin, segment[0]);
        link->end = place_from(links, begin, segment[1]);
    }
}

/* Without supports the pages bear all of the answer. */
static void read_grounding(struct links *links, struct json_value metadata)
{
    static const struct span names[] = {WORD("groundingChunks"), WORD("groundingSupports")};
    struct json_value values[ARRAY_LEN(names)], item;
    struct json_walk walk;
    struct text url, title;
    bool any = false;

    gemini_pick(metadata, names, ARRAY_LEN(names), values);
    if (values[0].kind != JSON_ARRAY)
        return;
    for (walk = json_walk(values[1]);
         values[1].kind == JSON_ARRAY && json_next(&walk, NULL, &item); any = true)
        read_support(links, item, values[0]);
    for (walk = json_walk(values[0]); !any && json_next(&walk, NULL, &item);)
        if (read_chunk(item, &url, &title))
            *add_link(links) = (struct citation){.url = url, .title = title};
}

struct citation *gemini_read_citations(struct json_value candidate, struct span words,
                                       struct arena *arena)
{
    static const struct span names[] = {WORD("citationMetadata"), WORD("groundingMetadata")};
    struct json_value values[ARRAY_LEN(names)];
    struct links links = {.arena = arena, .words = words};

    links.end = &links.first;
    gemini_pick(candidate, names, ARRAY_LEN(names), values);
    read_sources(&links, values[0]);
    read_grounding(&links, values[1]);
    return links.first;
}

/* ---- reading acts ------------------------------------------------------------------------ */

static void add_pages(struct json_value chunks, struct act *act, struct arena *arena)
{
    struct json_walk walk = json_walk(chunks);
    struct json_value chunk;
    struct text url, title;

    act->output = TEXT("");
    while (chunks.kind == JSON_ARRAY && json_next(&walk, NULL, &chunk))
        if (read_chunk(chunk, &url, &title)) {
            struct source *source = act_add_source(act, arena);

            source->url = url;
            source->title = title;
        }
}

static struct act *add_act(struct block ***end, enum hosted_kind kind, struct text input,
                           struct arena *arena)
{
    struct block *block = ARENA_NEW(arena, struct block);

    block->kind = BLOCK_hosted;
    block->origin = DIALECT_gemini;
    block->act = act_new(kind, arena);
    block->act->input = input;
    **end = block;
    *end = &block->next;
    return block->act;
}

static void add_fetches(struct block ***end, struct json_value metadata, struct arena *arena)
{
    static const struct span names[] = {WORD("retrievedUrl"), WORD("urlRetrievalStatus")};
    struct json_value list = gemini_member(metadata, SPAN("urlMetadata"));
    struct json_value values[ARRAY_LEN(names)], item;
    struct json_walk walk = json_walk(list);

    while (list.kind == JSON_ARRAY && json_next(&walk, NULL, &item)) {
        struct act *act;

        gemini_pick(item, names, ARRAY_LEN(names), values);
        if (values[0].kind != JSON_STRING)
            continue;
        act = add_act(end, HOSTED_fetch, text_of(values[0]), arena);
        act->failed = values[1].kind == JSON_STRING &&
                      !json_text_eq(values[1], SPAN("URL_RETRIEVAL_STATUS_SUCCESS"));
        act->output = act->failed ? TEXT("url_not_accessible") : TEXT("");
        if (!act->failed)
            act_add_source(act, arena)->url = act->input;
    }
}

/* Which search found which page is not said: the last has them all. */
struct block *gemini_read_acts(struct json_value candidate, struct arena *arena)
{
    static const struct span names[] = {WORD("groundingMetadata"), WORD("urlContextMetadata")};
    static const struct span inside[] = {WORD("webSearchQueries"), WORD("groundingChunks")};
    struct json_value values[ARRAY_LEN(names)], found[ARRAY_LEN(inside)], query;
    struct block *first = NULL, **end = &first;
    struct act *act = NULL;
    struct json_walk walk;

    gemini_pick(candidate, names, ARRAY_LEN(names), values);
    gemini_pick(values[0], inside, ARRAY_LEN(inside), found);
    walk = json_walk(found[0]);
    while (found[0].kind == JSON_ARRAY && json_next(&walk, NULL, &query)) {
        if (query.kind != JSON_STRING)
            continue;
        act = add_act(&end, HOSTED_search, text_of(query), arena);
        act->output = TEXT("");
    }
    if (act)
        add_pages(found[1], act, arena);
    add_fetches(&end, values[1], arena);
    return first;
}

/* ---- writing ----------------------------------------------------------------------------- */

struct ground_link {
    struct ground_link *next;
    struct text url, title;
};

struct ground_support {
    struct ground_support *next;
    uint64_t start, end;
    struct span words; /* decoded; may be none */
    uint32_t link;
};

/* The number of the page in groundingChunks. */
static uint32_t link_of(struct gemini_ground *ground, struct text url, struct text title)
{
    struct ground_link **at = &ground->links;
    uint32_t number = 0;

    for (; *at; at = &(*at)->next, number++)
        if (text_eq((*at)->url, url)) {
            if (!(*at)->title.ptr)
                (*at)->title = title;
            return number;
        }
    *at = ARENA_NEW(ground->arena, struct ground_link);
    (*at)->url = url;
    (*at)->title = title;
    return number;
}

void gemini_ground_act(struct gemini_ground *ground, const struct act *act)
{
    struct ground_link **at = act->kind == HOSTED_search ? &ground->queries : &ground->pages;

    if (act->kind == HOSTED_code)
        return;
    while (*at)
        at = &(*at)->next;
    if (act->input.ptr) {
        *at = ARENA_NEW(ground->arena, struct ground_link);
        (*at)->url = act->input;
        (*at)->title = act->failed ? TEXT("URL_RETRIEVAL_STATUS_ERROR")
                                   : TEXT("URL_RETRIEVAL_STATUS_SUCCESS");
    }
    for (const struct source *source = act->sources; act->kind == HOSTED_search && source;
         source = source->next)
        (void)link_of(ground, source->url, source->title);
}

void gemini_ground_citation(struct gemini_ground *ground, const struct citation *citation,
                            const struct gemini_place *place)
{
    struct ground_support **at = &ground->supports;
    struct span words = place->words;
    uint64_t start = 0, end = 0;
    struct ground_support *support;

    if (!citation->url.ptr)
        return;
    support = ARENA_NEW(ground->arena, struct ground_support);
    support->link = link_of(ground, citation->url, citation->title);
    support->words = words;
    support->end = place->bytes;
    if (words.ptr && json_u64(citation->start, &start) && json_u64(citation->end, &end)) {
        support->start = words_bytes_before(words, start);
        support->end = words_bytes_before(words, end);
        support->words = SPAN_NONE;
        if (support->start <= support->end && support->end <= words.len)
            support->words =
                span_of(words.ptr + support->start, (size_t)(support->end - support->start));
    }
    support->start += place->before;
    support->end += place->before;
    while (*at)
        at = &(*at)->next;
    *at = support;
}

static void write_queries(const struct gemini_ground *ground, struct json_writer *json)
{
    if (!ground->queries)
        return;
    json_write_key(json, SPAN("webSearchQueries"));
    json_write_array(json);
    for (const struct ground_link *at = ground->queries; at; at = at->next)
        text_write(json, at->url);
    json_write_array_end(json);
}

static void write_chunks(const struct gemini_ground *ground, struct json_writer *json)
{
    if (!ground->links)
        return;
    json_write_key(json, SPAN("groundingChunks"));
    json_write_array(json);
    for (const struct ground_link *at = ground->links; at; at = at->next) {
        json_write_object(json);
        json_write_key(json, SPAN("web"));
        json_write_object(json);
        text_write_member(json, SPAN("uri"), at->url);
        text_write_known(json, SPAN("title"), at->title);
        json_write_object_end(json);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static void write_supports(const struct gemini_ground *ground, struct json_writer *json)
{
    if (!ground->supports)
        return;
    json_write_key(json, SPAN("groundingSupports"));
    json_write_array(json);
    for (const struct ground_support *at = ground->supports; at; at = at->next) {
        json_write_object(json);
        json_write_key(json, SPAN("segment"));
        json_write_object(json);
        json_write_member_u64(json, SPAN("startIndex"), at->start);
        json_write_member_u64(json, SPAN("endIndex"), at->end);
        if (at->words.ptr)
            json_write_member_text(json, SPAN("text"), at->words);
        json_write_object_end(json);
        json_write_key(json, SPAN("groundingChunkIndices"));
        json_write_array(json);
        json_write_u64(json, at->link);
        json_write_array_end(json);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static void write_pages(const struct gemini_ground *ground, struct json_writer *json)
{
    if (!ground->pages)
        return;
    json_write_key(json, SPAN("urlContextMetadata"));
    json_write_object(json);
    json_write_key(json, SPAN("urlMetadata"));
    json_write_array(json);
    for (const struct ground_link *at = ground->pages; at; at = at->next) {
        json_write_object(json);
        text_write_member(json, SPAN("retrievedUrl"), at->url);
        text_write_member(json, SPAN("urlRetrievalStatus"), at->title);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    json_write_object_end(json);
}

void gemini_write_ground(struct json_writer *json, const struct gemini_ground *ground)
{
    if (ground->queries || ground->links) {
        json_write_key(json, SPAN("groundingMetadata"));
        json_write_object(json);
        write_queries(ground, json);
        write_chunks(ground, json);
        write_supports(ground, json);
        json_write_object_end(json);
    }
    write_pages(ground, json);
}
