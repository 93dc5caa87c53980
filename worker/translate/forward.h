/* worker/translate/forward.h
 *
 * The same dialect on both sides: the client's own bytes go out, with only the needed edits
 * spliced in (the model's name; for a stream that did not ask, the wish for usage). Everything
 * else (unknown members, order, spelling of numbers, white space) stays.
 */
#ifndef WORKER_TRANSLATE_FORWARD_H
#define WORKER_TRANSLATE_FORWARD_H

#include "shared/base/arena.h"

#include "worker/parse/ask.h"

#define FORWARD_PIECES_MAX 6

struct forward_body {
    struct span pieces[FORWARD_PIECES_MAX];
    unsigned count;
    bool hides_usage; /* the usage chunk that comes was not asked for by the client */
};

/* MODEL_JSON: the target's model name as a JSON string. ADD_USAGE: ask for usage when the
 * client streams and did not. */
void forward_make(const struct ask *ask, struct span model_json, bool add_usage,
                  struct forward_body *ret);
/* Whether the client asks for usage as OpenAI gives it: with a vendor's further options it
 * wants it as the vendor gives it. */
bool forward_wants_usage(const struct ask *ask);

/* Gemini's requests for embeddings and for counts repeat the model's name, which has to be that
 * of the address: BODY, which was checked, with "models/MODEL" in each such place, in the
 * arena; BODY itself when it has none. */
struct span forward_named_inside(struct span body, struct span model, struct arena *arena);

#endif
