/* tests/support/parsed.h
 *
 * JSON of a test as readers get it; the test fails where it is none.
 */
#ifndef TESTS_SUPPORT_PARSED_H
#define TESTS_SUPPORT_PARSED_H

#include "shared/text/json.h"

struct json_value parsed(const char *text);
struct json_value parsed_span(struct span text);

#endif
