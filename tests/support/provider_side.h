/* tests/support/provider_side.h
 *
 * The provider's side of a dialect in words, for tables of tests: what it is asked when a
 * client of chat completions asks, what its answers and streams say (spell.h). OUT is emptied
 * first.
 */
#ifndef TESTS_SUPPORT_PROVIDER_SIDE_H
#define TESTS_SUPPORT_PROVIDER_SIDE_H

#include "worker/translate/dialect.h"

/* BODY, an OpenAI client's, for MODEL: the provider's body, and "\n" and what was dropped when
 * something was; or "refused: " and why. */
void provider_asked(const struct dialect *dialect, const char *model, const char *body,
                    struct buffer *out);
/* The reply in words, or the complaint. */
void provider_answered(const struct dialect *dialect, const char *body, struct buffer *out);
/* The events of a stream in two pieces, which keep the grammar of event.h. */
void provider_streamed(const struct dialect *dialect, struct span bytes, size_t cut,
                       struct buffer *out);

#endif
