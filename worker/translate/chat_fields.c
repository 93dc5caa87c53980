#include "worker/translate/chat_fields.h"

#include "shared/base/check.h"

#define OTHER_FORM SPAN("-")

static struct span table_name(enum chat_field field, enum dialect_id dialect)
{
    static const struct span names[CHAT_FIELD_COUNT][DIALECT_COUNT] = {
#define CHAT_FIELD(field, openai, responses, anthropic, gemini, dashscope, ernie) \
    [CHAT_##field] = {WORD(openai), WORD(responses), WORD(anthropic),             \
                      WORD(gemini), WORD(dashscope), WORD(ernie)},
#include "worker/translate/chat_fields.def"
#undef CHAT_FIELD
    };

    CHECK((unsigned)field < CHAT_FIELD_COUNT && (unsigned)dialect < DIALECT_COUNT);
    return names[field][dialect];
}

bool chat_field_known(enum chat_field field, enum dialect_id dialect)
{
    return table_name(field, dialect).len > 0;
}

struct span chat_field_name(enum chat_field field, enum dialect_id dialect)
{
    struct span name = table_name(field, dialect);

    if (span_starts(name, OTHER_FORM))
        name = span_skip(name, OTHER_FORM.len);
    if (span_starts(name, CHAT_FIELD_CONFIG))
        name = span_skip(name, CHAT_FIELD_CONFIG.len);
    return name;
}

struct span chat_field_plain(enum chat_field field, enum dialect_id dialect)
{
    struct span name = table_name(field, dialect);

    return span_starts(name, OTHER_FORM) ? SPAN_NONE : name;
}
