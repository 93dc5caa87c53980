#include "worker/flow/homes.h"

#include "worker/flow/exchange.h"
#include "worker/worker.h"

#define ID_BYTES 256

static uint64_t mark_of(struct exchange *x, struct json_value id)
{
    if (id.kind == JSON_OBJECT)
        id = json_member(id, SPAN("id"));
    if (id.kind != JSON_STRING)
        return 0;
    return home_mark(x->caller.key->tenant, json_text(id, &x->arena));
}

static bool is_kept(const struct exchange *x)
{
    return x->head.dialect == DIALECT_responses &&
           operation_row(x->head.operation)->kind == OPERATION_KIND_CHAT;
}

void homes_look(struct exchange *x)
{
    uint64_t previous;

    if (!is_kept(x))
        return;
    previous = mark_of(x, x->ask.previous);
    x->homing.conversation = mark_of(x, x->ask.conversation);
    x->homing.place = (struct home_place){.account = 0};
    if (previous == 0)
        previous = x->homing.conversation;
    if (previous != 0)
        (void)home_find(x->worker->segment, previous, &x->homing.place);
}

void homes_begin(struct exchange *x)
{
    x->homing.notes =
        is_kept(x) && !x->current->crossing && (x->ask.store || x->homing.conversation != 0);
    if (x->homing.notes && !x->answer.stream)
        json_tap_want(&x->tap, TAPPED_ID, SPAN("id"), ID_BYTES);
}

static void note(struct exchange *x, struct json_value id)
{
    const struct credential_used *used = &x->current->credential;
    const struct snapshot_provider *provider = exchange_target(x)->provider;
    uint64_t mark = mark_of(x, id), now_ms = reactor_now_ms(&x->worker->reactor);
    struct home_place place = {
        .account = home_account(snapshot_span(x->view->snapshot, provider->name)),
        .credential = used->value.ptr ? used->row : HOME_ANY_CREDENTIAL,
    };

    if (mark == 0)
        return;
    x->homing.notes = false;
    if (x->ask.store)
        home_note(x->worker->segment, mark, place, now_ms);
    if (x->homing.conversation != 0)
        home_note(x->worker->segment, x->homing.conversation, place, now_ms);
}

void homes_note_whole(struct exchange *x)
{
    if (x->homing.notes)
        note(x, json_tap_value(&x->tap, TAPPED_ID));
}

void homes_note_record(struct exchange *x, struct span data)
{
    struct json_pick response = {.key = SPAN("response")};
    struct json_error error;
    size_t open;
    bool empty;

    if (x->homing.notes && json_pick(data, &response, 1, &open, &empty, &error) &&
        response.value.kind == JSON_OBJECT)
        note(x, response.value);
}
