/* The row of the Gemini generateContent dialect. */
#include "shared/base/check.h"

#include "worker/translate/dialect.h"

static const struct span answer_headers[] = {
    WORD("retry-after"),
    WORD("content-encoding"),
    WORD("server-timing"),
};

const struct dialect dialect_gemini = {
    .name = WORD("gemini"),
    .id = DIALECT_gemini,
    .answer_headers = answer_headers,
    .answer_header_count = ARRAY_LEN(answer_headers),
    .usage_member = WORD("usageMetadata"),
};
