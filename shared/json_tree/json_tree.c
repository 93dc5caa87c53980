#include "shared/json_tree/json_tree.h"

cJSON *json_tree_read(struct span text)
{
    const char *end = NULL;
    cJSON *tree = cJSON_ParseWithLengthOpts(text.ptr ? text.ptr : "", text.len, &end, 0);

    if (!tree)
        return NULL;
    /* The library stops at the end of the first value; bytes after it are the caller's mistake.
     */
    for (; end < text.ptr + text.len; end++) {
        if (*end != ' ' && *end != '\n' && *end != '\r' && *end != '\t') {
            cJSON_Delete(tree);
            return NULL;
        }
    }
    return tree;
}

struct span json_tree_text(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(member) ? span_of_text(member->valuestring) : SPAN_NONE;
}

bool json_tree_i64(const cJSON *object, const char *name, int64_t lowest, int64_t highest,
                   int64_t *ret)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    double number;

    if (!cJSON_IsNumber(member))
        return false;
    number = member->valuedouble;
    /* Beyond 2^53 a double names several integers: none of our settings is that large. */
    if (!(number >= -9007199254740992.0 && number <= 9007199254740992.0))
        return false;
    if ((double)(int64_t)number < number || (double)(int64_t)number > number)
        return false;
    if ((int64_t)number < lowest || (int64_t)number > highest)
        return false;
    *ret = (int64_t)number;
    return true;
}
