/* worker/translate/dialect.h
 *
 * A dialect is one wire format, spoken by clients and by providers: a row of pure functions
 * over spans and structs, defined in the folder of its name (shared/base/dialects.def lists
 * them). No sockets, clocks, logs or globals; what they return lives in the translation's
 * arena. A reader or writer of requests that answers false has set the translation's refusal.
 */
#ifndef WORKER_TRANSLATE_DIALECT_H
#define WORKER_TRANSLATE_DIALECT_H

#include "worker/translate/chat.h"
#include "worker/translate/complaint.h"
#include "worker/translate/event.h"
#include "worker/translate/limit_field.h"
#include "worker/translate/reply.h"
#include "worker/translate/translation.h"

/* What the client of a stream in its own dialect wants to see of the usage. */
enum usage_wish {
    USAGE_AS_IT_COMES,
    USAGE_HIDDEN, /* it did not ask; the gateway did */
    USAGE_APART   /* in a record of its own */
};

/* What a stream that is passed on says of itself. */
struct stream_tap {
    struct usage usage;
    struct json_value usage_value,
        choices_value; /* of the record at hand, where it has usage */
    struct span apart; /* a record with the usage alone, that waits for the end */
    uint8_t wish;      /* enum usage_wish */
    bool mentions;     /* the record at hand may have usage: its key stands in it */
    bool finished;     /* the end mark was seen */
    bool failed;       /* an error record was seen */
};

/* A record in the pieces that go to the client instead of it. */
#define PASSING_PIECES 5

struct passing {
    struct span pieces[PASSING_PIECES];
    unsigned count;
};

/* BODY is an object that json_check has accepted. RET is zeroed. */
typedef bool read_chat_f(struct translation *t, struct json_value body, struct chat *ret);
typedef bool write_chat_f(struct translation *t, const struct chat *chat,
                          struct json_writer *json);
typedef bool read_reply_f(struct translation *t, struct json_value body, struct reply *ret);
typedef void write_reply_f(struct translation *t, const struct reply *reply,
                           struct json_writer *json);
typedef void read_record_f(struct event_reader *reader, const struct sse_record *record);
typedef void read_end_f(struct event_reader *reader);
typedef void write_event_f(struct event_writer *writer, const struct event *event);
typedef void read_usage_f(struct json_value usage, struct usage *ret);
/* True: the record carries only what the client did not ask for. */
typedef bool tap_record_f(struct stream_tap *tap, const struct sse_record *record);
/* After the look at it: how it goes to the client. False: as it came. The pieces are the
 * record's, the arena's and literals. */
typedef bool pass_record_f(struct stream_tap *tap, const struct sse_record *record,
                           struct arena *arena, struct passing *ret);
/* The whole body of an error answer, and its status. */
typedef uint16_t write_complaint_f(const struct complaint *complaint, struct json_writer *json);
/* The same in a stream that has begun: one record, with its framing. */
typedef void write_stream_complaint_f(const struct complaint *complaint, struct buffer *out);

/* Whether TARGET takes BODY, strict JSON of a client of its dialect, as it stands. Looks only
 * at what TARGET has quirks and traits for; what makes no sense fits: the provider has the
 * words for that. */
typedef bool fits_f(struct json_value body, const struct chat_target *target);
/* The dialect in which TARGET takes CHAT when it refuses it in this one; else this one. */
typedef enum dialect_id instead_f(const struct chat *chat, const struct chat_target *target);

struct dialect {
    struct span name; /* in usage records */
    enum dialect_id id;
    const struct span
        *request_headers; /* client headers that go on to a provider of the same dialect */
    unsigned request_header_count;
    const struct span *answer_headers; /* provider headers that go on to such a client */
    unsigned answer_header_count;
    const struct limit_field *limit_fields; /* none: those of the default dialect */
    unsigned limit_field_count;

    struct span model_member, stream_member; /* of a request's body; empty: not there */
    struct span usage_member;                /* of a whole answer */
    struct span service_member;              /* the same; empty: not there, or in the usage */
    size_t reader_bytes, writer_bytes;       /* states of streams, zeroed by their makers */
    bool reads_bare;    /* read_record wants records without data too: bare JSON in a stream */
    bool waits_in_body; /* how long a 429 lasts stands in its body, not in its head */

    read_chat_f *read_chat;
    read_chat_f *read_count; /* a question for the number of tokens; NULL: as read_chat */
    write_chat_f *write_chat;
    read_reply_f *read_reply;
    write_reply_f *write_reply;
    read_record_f *read_record;
    read_end_f *read_end;
    write_event_f *write_event;
    read_usage_f *read_usage;
    tap_record_f *tap_record;
    pass_record_f *pass_record; /* NULL: always as it came */
    write_complaint_f *write_complaint;
    write_stream_complaint_f *write_stream_complaint;
    fits_f *fits;       /* NULL: always */
    instead_f *instead; /* NULL: this one */
    struct span ping;   /* a record that keeps a silent stream alive */
};

#define DIALECT(name) extern const struct dialect dialect_##name;
#include "shared/base/dialects.def"
#undef DIALECT

const struct dialect *dialect_row(enum dialect_id id);

#endif
