#include "tests/support/parsed.h"

#include <check.h>

struct json_value parsed_span(struct span text)
{
    struct json_value value;
    struct json_error error;

    ck_assert_msg(json_check(text, &value, &error), "%s at %zu of %.*s", error.text,
                  error.offset, SPAN_ARG(text));
    return value;
}

struct json_value parsed(const char *text)
{
    return parsed_span(span_of_text(text));
}
