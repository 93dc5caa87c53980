/* worker/parse/ask.h
 *
 * What a request body asks for, as far as the gateway must know: the model, whether a stream is
 * wanted, and where these stand in the bytes, so that translate can splice. The body is checked
 * as strict JSON in the same pass and not changed.
 */
#ifndef WORKER_PARSE_ASK_H
#define WORKER_PARSE_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/arena.h"
#include "shared/base/fault.h"
#include "shared/text/json.h"

#include "worker/parse/head.h"

struct ask {
    struct span body;              /* the client's bytes */
    struct span model;             /* decoded name */
    struct json_value model_value; /* in place; absent when the path names the model */
    struct json_value stream_options;
    size_t open_offset; /* just after the opening brace */
    bool stream;
    bool wants_usage;    /* stream_options.include_usage is true */
    uint64_t output_max; /* tokens of one answer; 0: nothing was said */
    uint64_t choices;    /* answers, at least 1 */
    struct span tags;    /* "tags" of the metadata: a list by commas; ptr NULL: none */
    /* Of responses: what the provider keeps; kind JSON_ABSENT: not said. */
    struct json_value previous, conversation;
    bool store;          /* not refused by the client */
    struct span service; /* the inside of "service_tier"; ptr NULL: nothing was said */
};

/* Why a body was refused, in words for the client. */
struct refusal {
    struct span message; /* ptr NULL: the fault's own */
    const char *param;   /* OpenAI error.param, or NULL */
};

/* Reads BODY of an operation of KIND, which must live as long as RET. ARGUMENT: the model when
 * the path names it, else SPAN_NONE. */
enum fault ask_read(struct span body, enum operation_kind kind, struct span argument,
                    struct arena *arena, struct ask *ret, struct refusal *reterr);

#endif
