#include "worker/translate/count.h"

#include "worker/translate/members.h"

struct span count_request(enum dialect_id dialect, struct span body)
{
    static const struct span inside = WORD("generateContentRequest");
    struct json_value value;

    if (dialect != DIALECT_gemini || !pick_unchecked(body, &inside, 1, &value) ||
        value.kind != JSON_OBJECT)
        return body;
    return value.raw;
}

void count_write(enum dialect_id dialect, uint64_t tokens, struct json_writer *json)
{
    struct span member = dialect == DIALECT_gemini ? SPAN("totalTokens") : SPAN("input_tokens");

    json_write_object(json);
    json_write_member_u64(json, member, tokens);
    json_write_object_end(json);
}
