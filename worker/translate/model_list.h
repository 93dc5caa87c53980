/* worker/translate/model_list.h
 *
 * Lists of models in the form that each dialect's SDK expects (OpenAI and Anthropic: GET
 * /v1/models; Gemini: GET /v1beta/models). All of a list fits one page. Limits that are not
 * known are left out.
 */
#ifndef WORKER_TRANSLATE_MODEL_LIST_H
#define WORKER_TRANSLATE_MODEL_LIST_H

#include "shared/base/dialect_id.h"
#include "shared/settings/capability.h"
#include "shared/text/json_write.h"

struct listed_model {
    struct span id, owner;
    int64_t created_s;
    uint32_t context, output; /* tokens; 0: not known */
    uint32_t capabilities;    /* enum capability; 0: not known */
};

struct model_list {
    struct json_writer json;
    enum dialect_id dialect;
    struct span first, last; /* ids */
};

void model_list_begin(struct model_list *list, enum dialect_id dialect, struct buffer *out);
void model_list_add(struct model_list *list, struct listed_model model);
void model_list_end(struct model_list *list);

/* One model alone. */
void model_write(enum dialect_id dialect, struct listed_model model, struct buffer *out);

#endif
