#include "worker/parse/features.h"

#include "shared/base/check.h"
#include "shared/text/json.h"

/* Members of the body itself that say it, unless they are null or an empty list. */
static const struct {
    enum feature feature;
    struct span name;
} members[] = {
    {FEATURE_tools, WORD("tools")},         {FEATURE_tools, WORD("functions")},
    {FEATURE_reasoning, WORD("reasoning")}, {FEATURE_reasoning, WORD("reasoning_effort")},
    {FEATURE_reasoning, WORD("thinking")},
};

/* Anywhere: the name of a member; a value of `type`, or of a media type that begins so. */
enum mark_place {
    MARK_MEMBER,
    MARK_TYPE
};

static const struct {
    enum feature feature;
    enum mark_place place;
    struct span text;
} marks[] = {
    {FEATURE_vision, MARK_MEMBER, WORD("\"image_url\"")},
    {FEATURE_vision, MARK_TYPE, WORD("\"input_image\"")},
    {FEATURE_vision, MARK_TYPE, WORD("\"image\"")},
    {FEATURE_vision, MARK_TYPE, WORD("\"image/")},
    {FEATURE_audio, MARK_MEMBER, WORD("\"input_audio\"")},
    {FEATURE_audio, MARK_TYPE, WORD("\"audio/")},
    {FEATURE_documents, MARK_MEMBER, WORD("\"file_data\"")},
    {FEATURE_documents, MARK_TYPE, WORD("\"input_file\"")},
    {FEATURE_documents, MARK_TYPE, WORD("\"file\"")},
    {FEATURE_documents, MARK_TYPE, WORD("\"document\"")},
    {FEATURE_documents, MARK_TYPE, WORD("\"application/pdf")},
    {FEATURE_json_schema, MARK_TYPE, WORD("\"json_schema\"")},
    {FEATURE_json_schema, MARK_MEMBER, WORD("\"responseSchema\"")},
    {FEATURE_json_schema, MARK_MEMBER, WORD("\"responseJsonSchema\"")},
    {FEATURE_reasoning, MARK_MEMBER, WORD("\"thinkingConfig\"")},
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A colon follows AT, where a text has ended. */
static bool is_member(struct span body, size_t at)
{
    while (at < body.len && is_space(body.ptr[at]))
        at++;
    return at < body.len && body.ptr[at] == ':';
}

/* What begins at AT is the value of `type`, `media_type`, `mimeType` or the like. */
static bool is_type(struct span body, size_t at)
{
    struct span before = span_of(body.ptr, at);

    while (before.len > 0 && is_space(before.ptr[before.len - 1]))
        before.len--;
    if (before.len == 0 || before.ptr[before.len - 1] != ':')
        return false;
    do {
        before.len--;
    } while (before.len > 0 && is_space(before.ptr[before.len - 1]));
    return span_ends(before, SPAN("type\"")) || span_ends(before, SPAN("Type\""));
}

/* A quote after a backslash is one inside a text. */
static bool counts(struct span body, size_t at, unsigned index)
{
    if (at > 0 && body.ptr[at - 1] == '\\')
        return false;
    return marks[index].place == MARK_TYPE ? is_type(body, at)
                                           : is_member(body, at + marks[index].text.len);
}

static bool has_mark(struct span body, unsigned index)
{
    size_t at = 0, step;

    while ((step = span_find(span_skip(body, at), marks[index].text)) != SIZE_MAX) {
        at += step;
        if (counts(body, at, index))
            return true;
        at += marks[index].text.len;
    }
    return false;
}

static bool says_something(struct json_value value)
{
    struct json_value first;
    struct json_walk walk;

    if (value.kind == JSON_ABSENT || value.kind == JSON_NULL)
        return false;
    if (value.kind != JSON_ARRAY)
        return true;
    walk = json_walk(value);
    return json_next(&walk, NULL, &first);
}

static uint32_t features_of_members(struct span body)
{
    struct json_pick picks[ARRAY_LEN(members)] = {{.key = SPAN_NONE}};
    struct json_error error;
    uint32_t used = 0;
    size_t open;
    bool empty;

    for (unsigned i = 0; i < ARRAY_LEN(members); i++)
        picks[i].key = members[i].name;
    if (!json_pick(body, picks, ARRAY_LEN(picks), &open, &empty, &error))
        return 0;
    for (unsigned i = 0; i < ARRAY_LEN(members); i++)
        if (says_something(picks[i].value))
            used |= members[i].feature;
    return used;
}

uint32_t features_of(struct span body)
{
    uint32_t used = features_of_members(body);

    for (unsigned i = 0; i < ARRAY_LEN(marks); i++)
        if (!(used & marks[i].feature) && has_mark(body, i))
            used |= marks[i].feature;
    return used;
}
