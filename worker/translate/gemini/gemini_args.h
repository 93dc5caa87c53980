/* worker/translate/gemini/gemini_args.h
 *
 * Arguments of a call that come as single values with their paths ("$.items[0].name"), in the
 * order in which they stand in the object. They are put together as JSON text that only grows:
 * what is known goes on at once, and the state is the last path. Private to the folder.
 */
#ifndef WORKER_TRANSLATE_GEMINI_GEMINI_ARGS_H
#define WORKER_TRANSLATE_GEMINI_GEMINI_ARGS_H

#include "shared/base/buffer.h"
#include "shared/text/json.h"

#define GEMINI_PATH_BYTES 512
#define GEMINI_PATH_STEPS 32

struct gemini_args {
    char path[GEMINI_PATH_BYTES]; /* of the last value, decoded; all of it zero before any */
    uint16_t path_len;
    bool in_string; /* more of the last value may come */
};

/* Appends what PARTIAL, an item of partialArgs, adds to the text. False: it is none, or its
 * path does not fit behind the last. */
bool gemini_args_add(struct gemini_args *args, struct json_value partial, struct buffer *out);
/* Appends what is missing to an object. */
void gemini_args_end(struct gemini_args *args, struct buffer *out);

#endif
