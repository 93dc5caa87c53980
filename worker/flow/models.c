/* The models that this key may use, as the client's dialect lists them. */
#include "worker/translate/model_list.h"
#include "worker/worker.h"

#define MODELS_LIMIT (16U << 20)

static struct listed_model listed(const struct exchange *x, const struct snapshot_model *row)
{
    return (struct listed_model){
        .id = snapshot_span(x->view->snapshot, row->name),
        .owner = snapshot_span(x->view->snapshot, row->owner),
        .created_s = row->created,
        .context = row->context,
        .output = row->output,
        .capabilities = row->capabilities,
    };
}

static enum dialect_id spoken(const struct exchange *x)
{
    return (enum dialect_id)x->head.dialect;
}

void reply_models(struct exchange *x)
{
    const struct snapshot *snapshot = x->view->snapshot;
    struct snapshot_table models = x->view->page->models;
    struct model_list list;
    struct buffer body _buffer_;

    buffer_init(&body, MODELS_LIMIT);
    model_list_begin(&list, spoken(x), &body);
    for (uint32_t i = 0; i < models.count; i++) {
        const struct snapshot_model *row = SNAPSHOT_ROW(snapshot, models, i, snapshot_model);

        if (row->listed &&
            caller_may_use(snapshot, &x->caller, snapshot_span(snapshot, row->name)))
            model_list_add(&list, listed(x, row));
    }
    model_list_end(&list);
    reply_json(x, 200, buffer_span(&body));
}

void reply_model(struct exchange *x)
{
    const struct snapshot *snapshot = x->view->snapshot;
    const struct snapshot_model *row = snapshot_find_model(snapshot, x->head.argument);
    struct buffer body _buffer_;

    buffer_init(&body, MODELS_LIMIT);
    if (!row || !caller_may_use(snapshot, &x->caller, x->head.argument)) {
        x->fault = FAULT_model_not_found;
        reply_fault(x);
        return;
    }
    model_write(spoken(x), listed(x, row), &body);
    reply_json(x, 200, buffer_span(&body));
}
