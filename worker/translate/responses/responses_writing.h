/* worker/translate/responses/responses_writing.h
 *
 * A stream to a client under way: what the files that write one share. Private to the folder.
 */
#ifndef WORKER_TRANSLATE_RESPONSES_WRITING_H
#define WORKER_TRANSLATE_RESPONSES_WRITING_H

#include "worker/translate/responses/responses_inside.h"

#define KEPT_BYTES (8U << 20)

#define NOT_ANNOUNCED UINT32_MAX

/* A block that is open. Items are numbered as they are announced: SDKs append each to a list
 * and then look it up by its number. */
struct open_item {
    struct open_item *next;
    uint32_t index;        /* the block's */
    uint32_t output_index; /* the item's, or NOT_ANNOUNCED */
    uint32_t citation_count;
    bool summary;               /* reasoning: its part was announced */
    struct citation *citations; /* without a place: until the end is known */
    struct output_item item;
    struct buffer text, annotations;
};

/* An item that is over, until the stream ends. */
struct kept_item {
    struct kept_item *next;
    uint32_t output_index;
    struct span json;
};

struct stream_state {
    struct response response;
    uint64_t sequence;
    uint32_t output_count;
    struct open_item *open;
    struct open_item *waiting; /* a call that is not announced: its signature may come */
    struct kept_item *kept;    /* in the order of output_index */
    struct usage usage;
    uint8_t stop; /* enum stop_reason */
    bool begun;
    size_t kept_bytes;
};

struct writing {
    struct event_writer *writer;
    struct stream_state *state;
    struct translation *t;
    struct json_writer json;
};

/* An event of TYPE, its number written; more members may follow. */
struct json_writer *responses_begin_event(struct writing *writing, const char *type);
void responses_end_event(struct writing *writing);
/* Keeps the item at OUTPUT_INDEX until the stream ends. */
void responses_keep_json(struct writing *writing, uint32_t output_index, struct span json);
/* All events of what a hosted tool did. */
void responses_act_events(struct writing *writing, const struct act *act);

#endif
