/* supervisor/metrics/metrics.h
 *
 * The metrics page: Prometheus text exposition format 0.0.4, made from the segment (rows of all
 * slots added up, those of dead workers too, so that counters never fall) and from what the
 * controller knows.  Pure: reads, writes into a buffer.  docs/metrics.md lists the names.
 */
#ifndef SUPERVISOR_METRICS_METRICS_H
#define SUPERVISOR_METRICS_METRICS_H

#include "shared/base/buffer.h"
#include "shared/health/health.h"
#include "shared/segment/segment.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_PAGE_BYTES   (8U << 20)

struct metrics_provider {
    struct span name;
    uint32_t health_row;
    uint32_t queue;                  /* 1 + row; 0: requests never wait for it */
    uint64_t changes[HEALTH_STATES]; /* how often it came into each state */
};

struct metrics_credential {
    struct span provider, name; /* name or number, never its value */
    uint32_t row;
};

#define METRICS_BUDGETS_MAX 1000 /* more have no series: aigwctl budgets list has them */

struct metrics_budget {
    struct span name; /* "key:ID/NAME" */
    uint64_t amount_nano, spent_nano, committed_nano;
};

struct metrics_view {
    struct segment *segment;
    const struct metrics_provider *providers;
    unsigned provider_count;
    const struct metrics_credential *credentials; /* of accounts with several */
    unsigned credential_count;
    const struct metrics_budget *budgets;
    unsigned budget_count;
    int64_t started_wall_ms;
    uint64_t workers_dead;
    bool store_up;
    uint32_t share_hosts;
    bool share_breaker_open;
    uint64_t share_failures;
    uint64_t ledger_waiting_bytes, ledger_records, ledger_failures;
    uint64_t price_lists_refused;
    bool price_list_refused;
    uint32_t models_without_price;
};

void metrics_write(const struct metrics_view *view, struct buffer *out);

/* docs/metrics.md, from the same tables. */
void metrics_write_reference(struct buffer *out);

#endif
