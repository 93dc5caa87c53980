/* Objects of a stream that stand without framing. */
#include "shared/base/check.h"

#include "worker/translate/gemini/gemini_inside.h"

/* The bytes of the object that TEXT begins with; 0: it does not end here. */
static size_t object_length(struct span text)
{
    unsigned depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
            continue;
        }
        in_string = c == '"';
        depth += c == '{' || c == '[';
        if ((c == '}' || c == ']') && --depth == 0)
            return i + 1;
    }
    return 0;
}

/* Objects without framing: a stream that is one array, or an error that breaks in. */
void gemini_read_bare(struct event_reader *reader, struct span text,
                      gemini_read_value_f *read_value)
{
    while (text.len > 0 && !reader->failed) {
        size_t len;

        if (strchr(" \t\r\n[],", text.ptr[0])) {
            text = span_skip(text, 1);
            continue;
        }
        if (text.ptr[0] != '{')
            return; /* a comment, or fields without data */
        len = object_length(text);
        if (len == 0) {
            event_fail(reader, COMPLAINT_cut, TEXT_NONE);
            return;
        }
        reader->repaired = true;
        read_value(reader, span_of(text.ptr, len));
        text = span_skip(text, len);
    }
}
