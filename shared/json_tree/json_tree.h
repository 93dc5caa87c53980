/* shared/json_tree/json_tree.h
 *
 * JSON trees for the control plane (admin API bodies, aigwctl): the one door to cJSON.  Never
 * on the data path: cJSON turns numbers into doubles and cuts strings at NUL.
 */
#ifndef SHARED_JSON_TREE_JSON_TREE_H
#define SHARED_JSON_TREE_JSON_TREE_H

#include <cjson/cJSON.h>

#include "shared/base/span.h"

/* TEXT as a tree, or NULL (depth and size are bounded by the caller's body limit).  Free with
 * cJSON_Delete. */
cJSON *json_tree_read(struct span text);
/* Text member, or SPAN_NONE; lives as long as the tree. */
struct span json_tree_text(const cJSON *object, const char *name);
/* A number without fraction in [lowest, highest]; false when absent or not so. */
bool json_tree_i64(const cJSON *object, const char *name, int64_t lowest, int64_t highest,
                   int64_t *ret);

#endif
