#include "shared/snapshot/address.h"

#include "worker/flow/gather_inside.h"
#include "worker/flow/stored.h"
#include "worker/worker.h"

/* ---- memory ------------------------------------------------------------------------------ */

bool gather_hold(struct gather *gather, uint64_t bytes)
{
    struct worker *worker = gather->x->worker;
    uint64_t most = gather->x->view->page->limits.body_memory_bytes;

    if (most > 0 && worker->body_bytes + bytes > most)
        return false;
    worker->body_bytes += bytes;
    gather->held_bytes += bytes;
    return true;
}

static void give_back(struct gather *gather, uint64_t bytes)
{
    CHECK(bytes <= gather->held_bytes);
    gather->held_bytes -= bytes;
    gather->x->worker->body_bytes -= bytes;
}

static void free_buffer(struct gather *gather, struct buffer *buffer)
{
    give_back(gather, buffer->len);
    buffer_done(buffer);
}

/* They stand in the body now; another target would need them again. */
static void free_files(struct gather *gather)
{
    for (struct file *file = gather->files; file; file = file->next)
        free_buffer(gather, &file->base64);
}

void gather_free(struct exchange *x)
{
    struct gather *gather = x->gather;

    if (!gather)
        return;
    CHECK(gather->coming == 0);
    free_files(gather);
    free_buffer(gather, &gather->body);
    CHECK(gather->held_bytes == 0);
    x->gather = NULL;
}

void gather_cancel(struct exchange *x)
{
    if (x->gather)
        gather_stop(x->gather);
}

/* ---- the body ---------------------------------------------------------------------------- */

static struct file *file_of(const struct gather *gather, struct span url)
{
    struct file *file = gather->files;

    while (file && !span_eq(file->url, url))
        file = file->next;
    return file;
}

/* The client's own, with the conversation before it where the gateway has that. */
static struct json_value own_body(const struct exchange *x)
{
    return x->stored && x->current->provider_dialect != x->head.dialect
               ? x->stored->body
               : crossing_body(buffer_span(&x->body));
}

/* False: refused. */
static bool join_files(struct gather *gather, uint64_t *ret_bytes)
{
    for (struct remote *remote = gather->remotes; remote; remote = remote->next) {
        const struct file *file = file_of(gather, remote->url);

        CHECK(file && file->state == FILE_HERE);
        if (!remote_fits(file->type, (enum block_kind)remote->kind)) {
            gather_refuse(gather->x, remote->path, "it is of a type that cannot stand there",
                          file->type);
            return false;
        }
        remote->type = file->type;
        remote->base64 = buffer_span(&file->base64);
        *ret_bytes += remote->base64.len;
    }
    return true;
}

/* What the request is from now on; x->fault when it cannot be. */
void gather_put_in_place(struct gather *gather)
{
    struct exchange *x = gather->x;
    struct span body = own_body(x).raw;
    uint64_t bytes = body.len;

    free_buffer(gather, &gather->body);
    if (!join_files(gather, &bytes))
        return;
    (void)buffer_reserve(&gather->body, bytes); /* grown once */
    remote_splice(body, gather->remotes, &gather->body);
    if (!gather_hold(gather, gather->body.len)) {
        buffer_done(&gather->body);
        x->fault = FAULT_overloaded;
        return;
    }
    if (x->current->target + 1 == x->plan->count)
        free_files(gather);
    if (x->current->provider_dialect == x->head.dialect)
        x->fault = ask_read(buffer_span(&gather->body),
                            (enum operation_kind)operation_row(x->head.operation)->kind,
                            x->head.argument, &x->arena, &gather->ask, &x->refusal);
}

struct span gather_body(const struct exchange *x, struct span body)
{
    return x->gather && x->gather->remotes ? buffer_span(&x->gather->body) : body;
}

const struct ask *gather_ask(const struct exchange *x)
{
    return x->gather && x->gather->remotes ? &x->gather->ask : &x->ask;
}

/* ---- the beginning ----------------------------------------------------------------------- */

/* The worker's fetcher is made with the first file that it fetches. */
static bool open_fetcher(struct exchange *x)
{
    struct fetcher *fetcher = &x->worker->fetcher;
    const char *why = NULL;

    fetcher->most = gather_settings(x)->parallel;
    if (fetcher->resolver || fetcher_open(fetcher, &x->worker->reactor, SPAN("aigw"), &why))
        return true;
    x->detail = span_of_text(why);
    return false;
}

static bool set_rules(struct exchange *x, struct fetch_rules *ret)
{
    const struct snapshot_media *media = gather_settings(x);
    struct buffer why _buffer_;

    buffer_init(&why, 512);
    *ret = (struct fetch_rules){
        .allow =
            media->allow.count ? SNAPSHOT_ROW(x->view->snapshot, media->allow, 0, net) : NULL,
        .allow_count = media->allow.count,
        .http = media->http != 0,
        .limit_bytes = media->file_bytes,
        .tls = view_media_tls(x->view, &why),
    };
    if (ret->tls)
        return true;
    x->detail = arena_copy(&x->arena, buffer_span(&why));
    return false;
}

static struct gather *gather_new(struct exchange *x)
{
    struct gather *gather = ARENA_NEW(&x->arena, struct gather);

    gather->x = x;
    gather->deadline.passed = gather_time_passed;
    buffer_init(&gather->body, SIZE_MAX); /* the request and its files, which have limits */
    if (open_fetcher(x) && set_rules(x, &gather->rules))
        return gather;
    x->fault = FAULT_internal;
    return NULL;
}

static enum fault refuse_many(struct exchange *x, unsigned most)
{
    struct buffer message _buffer_;

    buffer_init(&message, GATHER_MESSAGE_LIMIT);
    (void)buffer_append_format(&message,
                               "The request names more than %u files by their addresses, which "
                               "the model's provider does not fetch.",
                               most);
    x->complaint = ARENA_NEW(&x->arena, struct complaint);
    *x->complaint = (struct complaint){
        .kind = COMPLAINT_bad_request,
        .message = text_escape(arena_copy(&x->arena, buffer_span(&message)), &x->arena),
        .code = TEXT("invalid_image_url"),
    };
    metric_add(x->worker->metrics, METRIC_media_failures_total, 1);
    return FAULT_bad_media_url;
}

/* The files that the current target needs; x->fault when there is something wrong. */
static struct remote *find(struct exchange *x)
{
    struct remote_search search = {
        .client = (enum dialect_id)x->head.dialect,
        .provider = (enum dialect_id)x->current->provider_dialect,
        .quirks = exchange_target(x)->provider->quirks,
        .most = gather_settings(x)->files,
    };
    struct remote *remotes;
    unsigned count;

    if (x->head.dialect == DIALECT_responses &&
        x->current->provider_dialect != DIALECT_responses)
        x->fault = stored_open(x);
    if (x->fault)
        return NULL;
    remotes = remote_find(&search, own_body(x), &x->arena, &count);
    if (count > search.most)
        x->fault = refuse_many(x, search.most);
    return remotes;
}

static bool may_gather(const struct exchange *x)
{
    return gather_settings(x)->fetch && operation_chats(operation_row(x->head.operation));
}

bool gather_wanted(struct exchange *x)
{
    if (!may_gather(x))
        return false;
    x->current->provider_dialect = (uint8_t)address_dialect(exchange_target(x)->provider,
                                                            (enum dialect_id)x->head.dialect);
    return x->gather || find(x) != NULL || x->fault != FAULT_NONE;
}

enum step gather_begin(struct exchange *x)
{
    struct remote *remotes;

    x->fault = FAULT_NONE;
    if (!may_gather(x))
        return STEP_NEXT;
    x->current->provider_dialect = (uint8_t)address_dialect(exchange_target(x)->provider,
                                                            (enum dialect_id)x->head.dialect);
    remotes = find(x);
    if (!x->fault && remotes && !x->gather)
        x->gather = gather_new(x);
    if (x->fault)
        return STEP_REFUSE;
    if (x->gather && (remotes || x->gather->remotes))
        x->current->crossing = NULL; /* of an earlier target, with another body */
    if (x->gather)
        x->gather->remotes = remotes;
    for (const struct remote *remote = remotes; remote; remote = remote->next)
        gather_add(x->gather, remote);
    if (!remotes)
        return STEP_NEXT;
    gather_start(x->gather);
    if (x->gather->coming == 0) {
        gather_put_in_place(x->gather);
        return x->fault ? STEP_REFUSE : STEP_NEXT;
    }
    reactor_arm(&x->worker->reactor, &x->gather->deadline, gather_settings(x)->timeout_ms);
    return STEP_WAIT;
}
