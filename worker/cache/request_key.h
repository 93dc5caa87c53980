/* worker/cache/request_key.h
 *
 * Which requests are the same, and which may be answered with an answer that was given before.
 * Pure functions over a body that was checked as strict JSON.
 *
 * Two bodies are the same when they have the same members with the same values: the order of
 * members and white space do not matter, the order of items and the spelling of texts and
 * numbers do. So what is the same is the same for every provider; what is not may still be.
 */
#ifndef WORKER_CACHE_REQUEST_KEY_H
#define WORKER_CACHE_REQUEST_KEY_H

#include "shared/base/arena.h"
#include "shared/base/buffer.h"
#include "shared/base/hash.h"
#include "shared/snapshot/snapshot.h"
#include "shared/text/json.h"

#include "worker/parse/ask.h"
#include "worker/parse/head.h"

#define REQUEST_KEY_BODY_BYTES 1048576 /* of a body; larger ones are not cached */
#define REQUEST_KEY_DEPTH      64
#define REQUEST_KEY_TEXT_BYTES (2 * REQUEST_KEY_BODY_BYTES + 65536)

/* What a key is made of besides the body. */
struct request_identity {
    uint64_t tenant; /* 0: none, then it is the key's alone */
    struct span key_id;
    bool own;            /* the key's alone in any case */
    bool strict, stream; /* of whole answers and streams one is not made from the other */
    struct span model;   /* as asked for */
    struct span targets; /* where that leads, as text: other targets give other answers */
    const struct head *head;
    uint32_t distinguish; /* cache_member_bit */
};

enum request_class {
    REQUEST_NEVER, /* its answer is no function of the request, or it wants more than an answer
                    */
    REQUEST_ASKED, /* its answer is one of many: only where that is asked for */
    REQUEST_SURE   /* the same each time, as far as a provider can */
};

/* Most objects have few members: their places are here. */
#define MEMBERS_FEW 24

struct request_member {
    struct span key; /* still escaped */
    struct json_value value;
    size_t at; /* equal names keep their order: which one counts is the provider's to say */
};

struct request_members {
    struct request_member *rows; /* FEW, or in the arena */
    size_t count;
    struct request_member few[MEMBERS_FEW];
};

/* The members of an object, in its order; of anything else none. */
void request_members_read(struct json_value object, struct arena *arena,
                          struct request_members *ret);

/* *ret_own: the answer can be of use to the same key only. */
enum request_class request_classify(const struct head *head, const struct ask *ask,
                                    const struct request_members *body,
                                    const struct snapshot_cache_rules *rules, bool *ret_own);

/* Of a body of these members, which are sorted by it. TEXT is scratch. False: too large or too
 * deep. */
bool request_key_make(const struct request_identity *identity, struct request_members *body,
                      struct arena *arena, struct buffer *text, uint8_t ret[SHA256_SIZE]);

/* An object of these MEMBERS in the one form that all equal ones have, into OUT; without the
 * members that do not count. */
bool request_canonical(struct request_members *members, uint32_t distinguish,
                       struct arena *arena, struct buffer *out);

#endif
