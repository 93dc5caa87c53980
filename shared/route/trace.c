#include "shared/route/trace.h"

struct span route_reason_name(enum route_reason reason)
{
    static const struct span names[ROUTE_REASON_COUNT] = {
#define REASON(name, help) [ROUTE_REASON_##name] = {#name, sizeof(#name) - 1},
#include "shared/route/reasons.def"
#undef REASON
    };

    return names[reason];
}

void route_trace_begin(struct route_trace *trace)
{
    trace->start = trace->count;
}

void route_trace_add(struct route_trace *trace, struct route_trace_row row)
{
    if (trace->count < ROUTE_TRACE_MOST)
        trace->rows[trace->count++] = row;
    else
        trace->dropped++;
}

/* Of the model that is looked at; NULL when its row did not fit. */
static struct route_trace_row *find(struct route_trace *trace,
                                    const struct snapshot_target *target)
{
    for (unsigned i = trace->start; i < trace->count; i++)
        if (trace->rows[i].target == target)
            return &trace->rows[i];
    return NULL;
}

void route_trace_score(struct route_trace *trace, const struct snapshot_target *target,
                       uint64_t score)
{
    struct route_trace_row *row = find(trace, target);

    if (!row)
        return;
    row->scored = true;
    row->score = score;
}

void route_trace_places(struct route_trace *trace, const struct snapshot_model *model,
                        enum route_role role, const struct snapshot_target *const *list,
                        unsigned count, unsigned first)
{
    for (unsigned i = trace->start; i < trace->count; i++) {
        trace->rows[i].model = model;
        trace->rows[i].role = (uint8_t)role;
    }
    for (unsigned i = 0; i < count; i++) {
        struct route_trace_row *row = find(trace, list[i]);

        if (row)
            row->place = first + i;
    }
}

void route_trace_drop(struct route_trace *trace, unsigned first, unsigned end)
{
    for (unsigned i = 0; i < trace->count; i++)
        if (trace->rows[i].place >= first && trace->rows[i].place < end)
            trace->rows[i].place = 0;
}

void route_trace_last_resort(struct route_trace *trace, const struct snapshot_target *target)
{
    route_trace_drop(trace, 1, 2);
    trace->start = 0;
    struct route_trace_row *row = find(trace, target);

    if (row)
        row->place = 1;
}
