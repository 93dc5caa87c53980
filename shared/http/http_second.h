/* shared/http/http_second.h
 *
 * llhttp's opinion of a head that our own reader has accepted. It stands apart from
 * http_inside.h because llhttp's header takes names such as HTTP_HEAD. Private to shared/http.
 */
#ifndef SHARED_HTTP_HTTP_SECOND_H
#define SHARED_HTTP_HTTP_SECOND_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/span.h"

/* What our reader understood. */
struct http_framing {
    bool request;
    bool chunked;
    bool has_length;
    uint8_t minor;
    uint64_t content_length;
};

/* NULL when llhttp accepts TEXT, a whole head, and understands the same; else what is wrong. */
const char *http_second_reader(struct span text, const struct http_framing *framing);

#endif
