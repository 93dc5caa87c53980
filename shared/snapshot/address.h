/* shared/snapshot/address.h
 *
 * How a call reaches a provider: the request target and the header fields that come from the
 * provider's row. Pure functions; what they return lives in the arena, in the snapshot or
 * forever. Used by the workers, and by the controller when it tries a provider.
 */
#ifndef SHARED_SNAPSHOT_ADDRESS_H
#define SHARED_SNAPSHOT_ADDRESS_H

#include "shared/base/arena.h"
#include "shared/snapshot/snapshot.h"

enum address_kind {
    ADDRESS_CHAT,
    ADDRESS_CHAT_STREAM,
    ADDRESS_COUNT_TOKENS,
    ADDRESS_COMPLETIONS,
    ADDRESS_EMBEDDINGS,
    ADDRESS_EMBEDDINGS_BATCH,
    ADDRESS_MODELS, /* the list */
    ADDRESS_KINDS
};

/* The dialect in which PROVIDER gets a chat of a client that speaks CLIENT: the same one when
 * it can. */
enum dialect_id address_dialect(const struct snapshot_provider *provider,
                                enum dialect_id client);

/* Path and query, e.g. "/v1/chat/completions". CREDENTIAL: the one of the provider that the
 * call is sent with. MODEL: as the provider calls it, plain; it is percent-encoded where the
 * path has it. SPAN_NONE: this provider takes no such call in this dialect. */
struct span address_target(const struct snapshot *snapshot,
                           const struct snapshot_provider *provider, struct span credential,
                           enum address_kind kind, enum dialect_id dialect, struct span model,
                           struct arena *arena);

/* The smallest chat with a model, whose name is given as a JSON string, for a provider's test.
 */
void address_try(const struct snapshot_provider *provider, enum dialect_id dialect,
                 struct span model_json, struct buffer *out);

#define ADDRESS_FIELDS_MAX 2

struct address_field {
    struct span name, value; /* the name in lower case */
};

/* The credential, and what the dialect's API demands besides (anthropic-version: left out when
 * the client's own is passed on, so look for it first). Returns how many. */
unsigned address_fields(const struct snapshot_provider *provider, struct span credential,
                        enum dialect_id dialect, struct arena *arena,
                        struct address_field ret[ADDRESS_FIELDS_MAX]);
/* What it demands besides of a chat that wants a stream, or NULL. */
const struct address_field *address_stream_field(enum dialect_id dialect);

#endif
