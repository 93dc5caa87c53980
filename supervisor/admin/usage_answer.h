/* supervisor/admin/usage_answer.h
 *
 * Rows of usage and of its sums as JSON or CSV, written into the answer as the store gives
 * them. One row more than the limit may come: it is not written and says that there is more,
 * and the header X-Next then has what to add to the query.
 */
#ifndef SUPERVISOR_ADMIN_USAGE_ANSWER_H
#define SUPERVISOR_ADMIN_USAGE_ANSWER_H

#include "supervisor/admin/routes.h"
#include "supervisor/ledger/statistics.h"

struct usage_answer {
    struct admin_request *request;
    struct json_writer writer;
    const char *names[STATISTICS_COLUMNS];
    unsigned count, limit, rows;
    bool csv, more;
    int64_t last_ms; /* of the last row that was written */
    struct buffer last_id;
};

void usage_answer_begin(struct usage_answer *answer, struct admin_request *request, bool csv,
                        unsigned limit);
/* After names and count are filled. */
void usage_answer_head(struct usage_answer *answer);
/* store_row_f; WHO is the answer. */
void usage_answer_row(void *who, const struct store_value *values, unsigned count);
void usage_answer_end_sums(struct usage_answer *answer, unsigned next_offset);
void usage_answer_end_rows(struct usage_answer *answer);
/* store_row_f: one request, whole, with its lists as lists. */
void usage_answer_one(void *who, const struct store_value *values, unsigned count);

#endif
