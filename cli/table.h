/* cli/table.h
 *
 * Rows of a JSON array as aligned columns, for people.  What a member is decides how it is
 * shown; a member that is absent or null shows as "-".
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "shared/base/buffer.h"
#include "shared/json_tree/json_tree.h"

enum column_kind {
    COLUMN_TEXT,     /* text, number or truth */
    COLUMN_TRUTH,    /* 0 is no */
    COLUMN_ID,       /* 0 is none */
    COLUMN_TIME,     /* milliseconds since 1970 */
    COLUMN_DURATION, /* milliseconds */
    COLUMN_MICROSECONDS,
    COLUMN_LIST,     /* texts, separated by commas */
    COLUMN_ALL_LIST, /* the same; null means all */
    COLUMN_TARGETS,  /* list of {provider, model} */
    COLUMN_STATES,   /* list of {name, state} */
    COLUMN_MONEY,    /* nanodollars, shown as dollars */
    COLUMN_DAY,      /* milliseconds since 1970, shown to the hour */
};

struct column {
    const char *title, *member;
    enum column_kind kind;
};

/* One line per item of ARRAY below a line of titles. */
void table_write(const cJSON *array, const struct column *columns, unsigned count,
                 struct buffer *out);
/* One line per member: title and value. */
void table_write_record(const cJSON *object, const struct column *columns, unsigned count,
                        struct buffer *out);
/* How one value is shown. */
void table_write_value(const cJSON *value, enum column_kind kind, struct buffer *out);

#endif
