/* worker/translate/remote.h
 *
 * Files that a request refers to by their address on the web while the provider takes bytes
 * only: where they stand in the client's own body, and that body with the bytes in their place,
 * in the form that the client's dialect has for them. So what is passed on and what is
 * translated begin alike, and a place has the name that the client knows. Pure; the fetching is
 * others' work (worker/flow/gather.h).
 */
#ifndef WORKER_TRANSLATE_REMOTE_H
#define WORKER_TRANSLATE_REMOTE_H

#include "worker/translate/chat.h"

/* One reference; a list in the order of the body. */
struct remote {
    struct remote *next;
    struct span url;    /* decoded */
    struct span path;   /* "messages[0].content[1].image_url.url" */
    uint8_t kind;       /* enum block_kind that it must be; BLOCK_other: any of media */
    uint8_t form;       /* private: what takes its place */
    bool named;         /* private: has a file name */
    size_t offset, len; /* of what is replaced */
    /* Set by who has fetched it. */
    struct span type; /* "image/png" */
    struct span base64;
};

struct remote_search {
    enum dialect_id client, provider;
    uint32_t quirks; /* enum quirk, of the provider */
    unsigned most;   /* no more than this and one are looked for */
};

/* Those of BODY, an object, that the provider cannot be given as they are; NULL: none. */
struct remote *remote_find(const struct remote_search *search, struct json_value body,
                           struct arena *arena, unsigned *ret_count);

/* BODY with the bytes of LIST in their places, appended to OUT. */
void remote_splice(struct span body, const struct remote *list, struct buffer *out);

/* What a file is by its first bytes (REMOTE_SNIFF_BYTES are enough), when DECLARED, the
 * answer's Content-Type, does not speak against it: an image stays an image. SPAN_NONE: nothing
 * that is known here, or not what it was called. */
#define REMOTE_SNIFF_BYTES 16
struct span remote_type(struct span beginning, struct span declared);
/* Whether a file of TYPE may stand for KIND, as in struct remote. */
bool remote_fits(struct span type, enum block_kind kind);

#endif
