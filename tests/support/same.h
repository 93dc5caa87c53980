/* tests/support/same.h
 *
 * Two canonical forms, compared to the bottom. False: DIFFERENCE names the first place where
 * they are not the same, and what stands there in each. Members that have the same value are
 * spelled the same.
 */
#ifndef TESTS_SUPPORT_SAME_H
#define TESTS_SUPPORT_SAME_H

#include "worker/translate/reply.h"

bool same_chat(const struct chat *a, const struct chat *b, struct buffer *difference);
bool same_reply(const struct reply *a, const struct reply *b, struct buffer *difference);

#endif
