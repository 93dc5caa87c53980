#include "worker/translate/count.h"

#include "shared/text/json.h"

struct span count_request(enum dialect_id dialect, struct span body)
{
    struct json_pick pick = {.key = SPAN("generateContentRequest")};
    struct json_error error;
    size_t open;
    bool empty;

    if (dialect != DIALECT_gemini || !json_pick(body, &pick, 1, &open, &empty, &error) ||
        pick.value.kind != JSON_OBJECT)
        return body;
    return pick.value.raw;
}

void count_write(enum dialect_id dialect, uint64_t tokens, struct json_writer *json)
{
    struct span member = dialect == DIALECT_gemini ? SPAN("totalTokens") : SPAN("input_tokens");

    json_write_object(json);
    json_write_member_u64(json, member, tokens);
    json_write_object_end(json);
}
