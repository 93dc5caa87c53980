/* The texts of a request, found in its bytes without knowing its dialect: by the names of
 * members. One pass, with a stack of what each container is. */
#include "shared/base/check.h"

#include "worker/translate/estimate.h"

#define DEPTH_MAX 512 /* as deep as JSON is taken */

/* What the strings of a container are. */
enum meaning {
    MEANS_NOTHING, /* settings of the call */
    MEANS_TEXT,    /* the model reads them, but for some members */
    MEANS_NUMBERS, /* ... and numbers are tokens */
    MEANS_DATA,    /* all of it is read, as JSON */
    MEANS_MEDIA,   /* a picture, a sound, or an address of one */
};

/* By the name of a member, wherever it stands; what no row names is as its container is. */
static const struct {
    struct span name;
    enum meaning meaning;
    bool nested; /* only within what is read already */
} members[] = {
    {WORD("role"), MEANS_NOTHING, true},
    {WORD("type"), MEANS_NOTHING, true},
    {WORD("id"), MEANS_NOTHING, true},
    {WORD("call_id"), MEANS_NOTHING, true},
    {WORD("tool_call_id"), MEANS_NOTHING, true},
    {WORD("tool_use_id"), MEANS_NOTHING, true},
    {WORD("status"), MEANS_NOTHING, true},
    {WORD("detail"), MEANS_NOTHING, true},
    {WORD("media_type"), MEANS_NOTHING, true},
    {WORD("mime_type"), MEANS_NOTHING, true},
    {WORD("mimeType"), MEANS_NOTHING, true},
    {WORD("file_id"), MEANS_NOTHING, true},
    {WORD("cache_control"), MEANS_NOTHING, true},
    {WORD("signature"), MEANS_NOTHING, true},
    {WORD("thoughtSignature"), MEANS_NOTHING, true},
    {WORD("thought_signature"), MEANS_NOTHING, true},
    {WORD("encrypted_content"), MEANS_NOTHING, true},
    {WORD("metadata"), MEANS_NOTHING, false},
    {WORD("data"), MEANS_MEDIA, true},
    {WORD("url"), MEANS_MEDIA, true},
    {WORD("image_url"), MEANS_MEDIA, true},
    {WORD("video_url"), MEANS_MEDIA, true},
    {WORD("file_data"), MEANS_MEDIA, true},
    {WORD("file_url"), MEANS_MEDIA, true},
    {WORD("file_uri"), MEANS_MEDIA, true},
    {WORD("fileUri"), MEANS_MEDIA, true},
    {WORD("image"), MEANS_MEDIA, true},
    {WORD("audio"), MEANS_MEDIA, true},
    {WORD("video"), MEANS_MEDIA, true},
    {WORD("args"), MEANS_DATA, true},
    {WORD("response"), MEANS_DATA, true},
    {WORD("input_schema"), MEANS_DATA, true},
    {WORD("schema"), MEANS_DATA, true},
    {WORD("parametersJsonSchema"), MEANS_DATA, true},
    {WORD("messages"), MEANS_TEXT, false},
    {WORD("system"), MEANS_TEXT, false},
    {WORD("system_instruction"), MEANS_TEXT, false},
    {WORD("systemInstruction"), MEANS_TEXT, false},
    {WORD("instructions"), MEANS_TEXT, false},
    {WORD("contents"), MEANS_TEXT, false},
    {WORD("content"), MEANS_TEXT, false},
    {WORD("prompt"), MEANS_NUMBERS, false},
    {WORD("suffix"), MEANS_TEXT, false},
    {WORD("tools"), MEANS_TEXT, false},
    {WORD("functions"), MEANS_TEXT, false},
    {WORD("response_format"), MEANS_TEXT, false},
    {WORD("output_config"), MEANS_TEXT, false},
    {WORD("output_format"), MEANS_TEXT, false},
    {WORD("responseSchema"), MEANS_DATA, false},
    {WORD("responseJsonSchema"), MEANS_DATA, false},
    {WORD("texts"), MEANS_TEXT, false},
    {WORD("text"), MEANS_TEXT, false},
};

struct scan {
    const char *at, *end;
    struct estimate *estimate;
    struct tally tally;
    unsigned depth;
    uint8_t means[DEPTH_MAX + 1];
    bool within_tools[DEPTH_MAX + 1];
    uint8_t bytes[TALLY_BYTES(TALLY_BLOCK)];
};

/* ---- the bytes --------------------------------------------------------------------------- */

/* The inside of the string whose opening quote is just passed; AT is then behind its end. */
static struct span string_at(struct scan *scan)
{
    const char *from = scan->at, *quote = from;

    for (;;) {
        const char *slash;

        quote = memchr(quote, '"', (size_t)(scan->end - quote));
        if (!quote)
            break;
        for (slash = quote; slash > from && slash[-1] == '\\';)
            slash--;
        if ((quote - slash) % 2 == 0)
            break;
        quote++;
    }
    scan->at = quote ? quote + 1 : scan->end;
    return span_of(from, (size_t)((quote ? quote : scan->end) - from));
}

/* The whole value that begins at AT, an object or an array, as it stands. */
static void take_data(struct scan *scan)
{
    const char *from = scan->at;
    size_t depth = 0;

    while (scan->at < scan->end) {
        char c = *scan->at++;

        if (c == '"')
            (void)string_at(scan);
        else if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            break;
    }
    tally_add(&scan->tally, span_of(from, (size_t)(scan->at - from)));
    tally_break(&scan->tally);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* ---- what it means ----------------------------------------------------------------------- */

/* INPUT and PARAMETERS are the request's own at its top, and JSON for or from a tool below. */
static enum meaning meaning_below(const struct scan *scan, struct span name,
                                  enum meaning container)
{
    bool top = scan->depth <= 1;

    if (span_eq(name, SPAN("input")))
        return top ? MEANS_NUMBERS : container == MEANS_NOTHING ? container : MEANS_DATA;
    if (span_eq(name, SPAN("parameters")) && container != MEANS_NOTHING)
        return MEANS_DATA;
    for (unsigned i = 0; i < ARRAY_LEN(members); i++)
        if (span_eq(members[i].name, name) &&
            (!members[i].nested || container != MEANS_NOTHING))
            return members[i].meaning == MEANS_MEDIA && container == MEANS_NOTHING
                       ? MEANS_NOTHING
                       : members[i].meaning;
    return container;
}

/* Base64 has no space within so many. */
static bool looks_like_data(struct span inside)
{
    size_t look = inside.len < 256 ? inside.len : 256;

    return look >= 64 && !memchr(inside.ptr, ' ', look) && !memchr(inside.ptr, '\\', look) &&
           !memchr(inside.ptr, '.', look);
}

static bool is_address(struct span inside)
{
    return span_starts(inside, SPAN("data:")) || span_starts(inside, SPAN("http")) ||
           span_starts(inside, SPAN("gs:")) || span_starts(inside, SPAN("files/"));
}

static void take_string(struct scan *scan, struct span inside, enum meaning means)
{
    if (means == MEANS_NOTHING)
        return;
    if (means == MEANS_MEDIA && (is_address(inside) || looks_like_data(inside))) {
        estimate_media(scan->estimate, inside);
        return;
    }
    tally_add_escaped(&scan->tally, inside);
    tally_break(&scan->tally);
}

static void note_member(struct scan *scan, struct span name, enum meaning container)
{
    if (container == MEANS_NOTHING)
        return;
    if (span_eq(name, SPAN("role")))
        scan->estimate->messages++;
    else if (scan->within_tools[scan->depth] && span_eq(name, SPAN("name")))
        scan->estimate->tools++;
}

static void enter(struct scan *scan, enum meaning means, bool tools)
{
    if (means == MEANS_DATA || scan->depth == DEPTH_MAX) {
        take_data(scan);
        return;
    }
    scan->at++;
    scan->depth++;
    scan->means[scan->depth] = (uint8_t)means;
    scan->within_tools[scan->depth] = tools;
}

/* Behind the name of a member: its value, when that is a string or a container; a number or a
 * word is left to the loop. */
static void take_member(struct scan *scan, struct span name)
{
    enum meaning container = (enum meaning)scan->means[scan->depth], means;
    bool tools = scan->within_tools[scan->depth];

    means = meaning_below(scan, name, container);
    tools = tools || span_eq(name, SPAN("tools")) || span_eq(name, SPAN("functions"));
    note_member(scan, name, container);
    while (scan->at < scan->end && is_space(*scan->at))
        scan->at++;
    if (scan->at == scan->end)
        return;
    if (*scan->at == '{' || *scan->at == '[') {
        enter(scan, means, tools);
    } else if (*scan->at == '"') {
        scan->at++;
        take_string(scan, string_at(scan), means);
    }
}

static void take_quoted(struct scan *scan)
{
    struct span inside = string_at(scan);

    while (scan->at < scan->end && is_space(*scan->at))
        scan->at++;
    if (scan->at < scan->end && *scan->at == ':') {
        scan->at++;
        take_member(scan, inside);
    } else {
        take_string(scan, inside, (enum meaning)scan->means[scan->depth]);
    }
}

/* A number in a list of tokens. */
static void take_number(struct scan *scan)
{
    if (scan->means[scan->depth] == MEANS_NUMBERS)
        scan->estimate->numbers++;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
}

void estimate_body(struct span body, struct estimate *ret)
{
    struct scan scan;

    *ret = (struct estimate){.messages = 0};
    scan.at = body.ptr;
    scan.end = body.ptr + body.len;
    scan.estimate = ret;
    scan.depth = 0;
    scan.means[0] = MEANS_NOTHING;
    scan.within_tools[0] = false;
    tally_init(&scan.tally, scan.bytes, TALLY_BLOCK);
    while (scan.at < scan.end) {
        char c = *scan.at;

        if (c == '{' || c == '[') {
            enter(&scan, (enum meaning)scan.means[scan.depth], scan.within_tools[scan.depth]);
        } else if (c >= '0' && c <= '9') {
            take_number(&scan);
        } else {
            scan.at++;
            if (c == '"')
                take_quoted(&scan);
            else if ((c == '}' || c == ']') && scan.depth > 0)
                scan.depth--;
        }
    }
    tally_finish(&scan.tally);
    memcpy(ret->counts, scan.tally.counts, sizeof(ret->counts));
}
