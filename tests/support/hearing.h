/* tests/support/hearing.h
 *
 * A provider's stream as its reader tells it: the events in words (spell.h), one a line, and
 * whether they keep the grammar of event.h.
 */
#ifndef TESTS_SUPPORT_HEARING_H
#define TESTS_SUPPORT_HEARING_H

#include "shared/base/buffer.h"

#include "worker/translate/dialect.h"

#define GRAMMAR_BLOCKS 32

/* Zeroed at the begin of a stream. */
struct grammar {
    bool started, over;
    bool open[GRAMMAR_BLOCKS];
    unsigned opened, stops;
};

/* The test fails where EVENT may not come. */
void grammar_check(struct grammar *grammar, const struct event *event);

struct hearing {
    struct arena arena;
    struct translation translation;
    struct chat chat;
    struct event_reader reader;
    struct sse_framer framer;
    struct grammar grammar;
    struct buffer said;
};

/* A stream of DIALECT's, of the model "target", for a client of CLIENT. */
void hearing_init(struct hearing *hearing, const struct dialect *dialect,
                  enum dialect_id client);
void hearing_feed(struct hearing *hearing, struct span bytes);
/* The stream is over. */
void hearing_end(struct hearing *hearing);
void hearing_done(struct hearing *hearing);

/* BYTES to READER, through a framer that goes on. */
void hearing_pass(struct event_reader *reader, struct sse_framer *framer, struct span bytes);

/* Whether TEXT is PATTERN, in which '@' stands for the digits of an id that was made. */
bool hearing_matches(struct span text, struct span pattern);

#endif
