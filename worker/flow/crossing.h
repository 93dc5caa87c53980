/* worker/flow/crossing.h
 *
 * An exchange whose provider speaks another dialect than its client: the request read into the
 * canonical form once, written for each target that is tried, and the answer brought back,
 * whole or in events. Made when the first such target is tried; lives in the exchange's arena.
 * The request's body must stay until its end: the chat points into it.
 */
#ifndef WORKER_FLOW_CROSSING_H
#define WORKER_FLOW_CROSSING_H

#include "shared/text/sse.h"

#include "worker/translate/dialect.h"
#include "worker/translate/embeddings.h"

struct crossing {
    struct translation translation;
    struct chat chat;
    struct embed_ask *embedding; /* instead of the chat, for embeddings; NULL: a chat */
    const struct dialect *client, *provider; /* the second: of the current attempt */
    struct dropped *read_dropped;            /* what the reading alone left out */
    uint32_t read_count;                     /* ... how many */
    struct buffer request;                   /* the current attempt's body */
    struct buffer whole;                     /* the provider's answer, until it is all there */
    struct buffer out;                       /* for the client, until the end of the turn */
    struct event_reader reader;
    struct event_writer writer;
    bool alive; /* the stream told more than that it begins: there is something to send */
};

struct crossing_options {
    const struct dialect *client;
    struct arena *arena; /* owns what the crossing holds */
    struct span body;    /* strict JSON, an object */
    uint64_t seed, now_s;
    size_t answer_limit_bytes; /* of a whole answer, and of what waits for the client */
    bool strict, stream;
    bool embeds, embeds_batch; /* a request for embeddings; in Gemini's form for many */
    bool counts;               /* a question for the number of tokens */
    bool stream_as_array;      /* see translation.h */
    bool keeps;                /* the gateway keeps the answer */
    struct text previous;      /* id of the response that BODY continues, or TEXT_NONE */
};

/* The object that BODY is, without the white space around it. */
struct json_value crossing_body(struct span body);

/* NULL: refused, *reterr says why. */
struct crossing *crossing_open(const struct crossing_options *options,
                               struct complaint *reterr);

/* The body for this target into `request`. False: refused, translation.refusal says why. */
bool crossing_write(struct crossing *crossing, const struct dialect *provider,
                    struct span model, uint32_t quirks);

/* An answer begins; what an earlier attempt left is forgotten. TAKE gets each event of a stream
 * before crossing_send puts it into `out`. */
void crossing_begin(struct crossing *crossing, take_event_f *take, void *who);
void crossing_send(struct crossing *crossing, const struct event *event);

/* The whole answer, collected, as the client's body into `out`, or as its stream when it asked
 * for one. False: it is none; translation.refusal says why. *ret_usage as far as it is known.
 */
bool crossing_answer(struct crossing *crossing, struct usage *ret_usage);

#endif
