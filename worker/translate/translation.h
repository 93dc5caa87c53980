/* worker/translate/translation.h
 *
 * One exchange's passage from the client's dialect to the provider's and back: what both ways
 * must know of each other. Filled by the reader of the request, then by its writer; used by the
 * readers and writers of the answer. Lives in the exchange.
 */
#ifndef WORKER_TRANSLATE_TRANSLATION_H
#define WORKER_TRANSLATE_TRANSLATION_H

#include "shared/base/arena.h"

#include "worker/translate/chat_fields.h"
#include "worker/translate/complaint.h"
#include "worker/translate/traits.h"

#define TRANSLATION_ID_BYTES 24 /* random part of ids that the gateway makes, in digits */

/* Whom the request goes to. */
struct chat_target {
    struct span model; /* as the provider calls it */
    const struct model_traits *traits;
    uint32_t quirks; /* enum quirk, of the provider */
};

/* A member of the request that the target cannot carry. */
struct dropped {
    struct dropped *next;
    struct span path; /* in the client's words: "logit_bias", "messages[3].content[0]" */
};

/* A name, and the one that the target sees in its place because it allows other characters or
 * lengths. */
struct renamed {
    struct renamed *next_ours, *next_theirs; /* in their chains */
    struct text ours, theirs;
};

/* Names by either side; a client may send any number of them. Zeroed: empty. */
struct renames {
    struct renamed **ours, **theirs; /* SIZE chains each */
    uint32_t size, count;
    uint64_t seed; /* random: nobody can send names that all fall into one chain */
};

struct translation {
    struct arena *arena;
    const struct chat *chat; /* set when the request was read */
    struct chat_target target;
    uint64_t seed; /* makes ids: random, or fixed in tests */
    uint32_t made_ids;
    uint64_t now;         /* seconds of wall time, for answers that need one */
    bool strict;          /* refuse what would be dropped */
    bool stream_as_array; /* a Gemini client without alt=sse: its stream is one JSON array */
    bool keeps;           /* the gateway keeps the answer: its id is ours, "store" is true */
    struct text previous; /* id of the response that the request continues, or TEXT_NONE */
    struct dropped *dropped, *last_dropped;
    uint32_t dropped_count;
    struct renames tools, calls; /* names of tools; ids of calls */
    struct text format_tool;     /* the forced tool that stands for a JSON schema, or none */
    struct complaint refusal;    /* when a reader or writer answered false */
};

void translation_init(struct translation *translation, struct arena *arena, uint64_t seed,
                      uint64_t now);

/* Another target has other names. */
void translation_forget_names(struct translation *translation);

/* Where a reader stands, for messages: a chain on the stack, written down only when needed. */
struct path {
    const struct path *up;
    struct span key; /* of a member; ptr NULL: an item */
    uint32_t index;
};
/* "messages[3].content" */
struct span path_text(const struct path *path, struct arena *arena);

/* Sets the refusal and returns false. WHY is the end of a sentence that the path begins:
 * "must be a string". */
bool refuse(struct translation *translation, const struct path *path, const char *why);
bool refuse_as(struct translation *translation, enum complaint_kind kind,
               const struct path *path, const char *why);

/* Names a member that is left out. Of more than DROPPED_MAX the rest is not named. */
#define DROPPED_MAX 64
void drop(struct translation *translation, struct span path);
void drop_at(struct translation *translation, const struct path *path);
/* Names every field and extra of CHAT that the dialect TO has no place for (by
 * chat_fields.def); the writer of TO calls it once. */
void drop_strangers(struct translation *translation, const struct chat *chat,
                    enum dialect_id to);
/* A comma list for x-aigw-dropped, at most LIMIT bytes; SPAN_NONE when nothing was. */
struct span dropped_list(const struct translation *translation, size_t limit);

/* A fresh id: PREFIX and TRANSLATION_ID_BYTES digits of base62. */
struct text make_id(struct translation *translation, const char *prefix);

/* The name of a tool (id of a call) as the target may see it: letters, digits, '_', '-' and
 * those in ALSO, at most LIMIT bytes, unique; the same name gives the same answer. */
struct text tool_name_out(struct translation *translation, struct text name, const char *also,
                          size_t limit);
struct text call_id_out(struct translation *translation, struct text id, size_t limit);
/* The name that the client knows. */
struct text tool_name_back(const struct translation *translation, struct text name);

/* Signatures of another dialect, carried through a client that has one place for a signature
 * and does not know whose it is: "aigw.gemini.BYTES". Packing one's own changes nothing. */
struct text signature_pack(enum dialect_id origin, struct text signature,
                           enum dialect_id through, struct arena *arena);
/* *RET_ORIGIN: its maker; THROUGH when it is not packed. */
struct text signature_unpack(struct text packed, enum dialect_id through,
                             enum dialect_id *ret_origin);
/* The same for the signature of a text, which then has a block of its own behind the text:
 * "aigw.text.gemini.BYTES". */
struct text signature_pack_text(enum dialect_id origin, struct text signature,
                                struct arena *arena);
/* False: PACKED is no such. */
bool signature_unpack_text(struct text packed, struct text *ret_signature,
                           enum dialect_id *ret_origin);
/* Signatures of tool calls, carried in the call's id: "call_1__thought__QUJD" (base64 with the
 * characters of URLs, without padding). */
struct text signed_id_pack(struct text id, struct text signature, struct arena *arena);
/* *RET_SIGNATURE: standard base64, or TEXT_NONE when the id carries none. */
struct text signed_id_unpack(struct text id, struct arena *arena, struct text *ret_signature);

#endif
