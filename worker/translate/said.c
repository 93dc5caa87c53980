#include "worker/translate/said.h"

#include "shared/base/check.h"

#define MEMBERS_MAX 6

/* The members whose strings are the answer's words, the usual ones first. */
static const struct speech {
    struct span members[MEMBERS_MAX];
    bool several; /* a record has more than one */
} speeches[DIALECT_COUNT] = {
    [DIALECT_openai] = {{WORD("\"content\":"), WORD("\"arguments\":"),
                         WORD("\"reasoning_content\":"), WORD("\"text\":"),
                         WORD("\"reasoning\":"), WORD("\"refusal\":")},
                        false},
    [DIALECT_responses] = {{WORD("\"delta\":")}, false},
    [DIALECT_anthropic] = {{WORD("\"text\":"), WORD("\"partial_json\":"),
                            WORD("\"thinking\":")},
                           false},
    [DIALECT_gemini] = {{WORD("\"text\":"), WORD("\"args\":")}, true},
    [DIALECT_dashscope] = {{WORD("\"content\":"), WORD("\"arguments\":"),
                            WORD("\"reasoning_content\":"), WORD("\"text\":")},
                           false},
    [DIALECT_ernie] = {{WORD("\"content\":"), WORD("\"result\":")}, false},
};

void said_init(struct said *said, enum dialect_id dialect)
{
    said->dialect = (uint8_t)dialect;
    said->member = 0;
    said->offset = 0;
    tally_init(&said->tally, said->bytes, SAID_BLOCK);
}

/* How long the string is whose inside REST begins with. No byte is looked at more than twice.
 */
static size_t inside_length(struct span rest)
{
    size_t at = 0, quote = 0;

    while (at < rest.len) {
        const char *found;

        if (quote <= at) {
            found = memchr(rest.ptr + at, '"', rest.len - at);
            quote = found ? (size_t)(found - rest.ptr) : rest.len;
        }
        found = memchr(rest.ptr + at, '\\', quote - at);
        if (!found)
            return quote;
        at = (size_t)(found - rest.ptr) + 2;
    }
    return rest.len;
}

/* ... the object. */
static size_t object_length(struct span rest)
{
    size_t at = 0, depth = 0;

    while (at < rest.len) {
        char c = rest.ptr[at++];

        if (c == '"')
            at += inside_length(span_skip(rest, at)) + 1;
        depth += c == '{';
        if (c == '}' && --depth == 0)
            break;
    }
    return at < rest.len ? at : rest.len;
}

/* The value at the beginning of REST, when it has words. How much of REST that was. */
static size_t take_value(struct said *said, struct span rest)
{
    size_t blanks = 0, len;

    while (blanks < rest.len && rest.ptr[blanks] == ' ')
        blanks++;
    rest = span_skip(rest, blanks);
    if (rest.len == 0 || (rest.ptr[0] != '"' && rest.ptr[0] != '{'))
        return 0;
    if (rest.ptr[0] == '{') {
        len = object_length(rest);
        tally_add(&said->tally, span_of(rest.ptr, len));
        return blanks + len;
    }
    len = inside_length(span_skip(rest, 1));
    tally_add_escaped(&said->tally, span_of(rest.ptr + 1, len));
    return blanks + 1 + len;
}

/* As in the record before. */
static bool is_at_place(const struct said *said, struct span member, struct span data)
{
    return said->offset > 0 && data.len > said->offset && data.ptr[said->offset] == '"' &&
           memcmp(data.ptr + said->offset - member.len, member.ptr, member.len) == 0;
}

static void search(struct said *said, const struct speech *speech, struct span data)
{
    for (unsigned i = 0; i < MEMBERS_MAX && speech->members[i].len > 0; i++) {
        struct span rest = data;
        size_t at;

        while ((at = span_find(rest, speech->members[i])) != SIZE_MAX) {
            size_t begin = at + speech->members[i].len, len;

            len = take_value(said, span_skip(rest, begin));
            if (len > 0 && !speech->several) {
                said->member = (uint8_t)i;
                said->offset = (uint32_t)((size_t)(rest.ptr - data.ptr) + begin);
                return;
            }
            rest = span_skip(rest, begin + len);
        }
    }
}

void said_add(struct said *said, struct span data)
{
    const struct speech *speech = &speeches[said->dialect];

    if (data.len > UINT32_MAX)
        return;
    if (is_at_place(said, speech->members[said->member], data))
        (void)take_value(said, span_skip(data, said->offset));
    else
        search(said, speech, data);
}

uint64_t said_tokens(struct said *said, enum tokenizer tokenizer)
{
    tally_finish(&said->tally);
    return tokenizer_weigh(said->tally.counts, tokenizer);
}
