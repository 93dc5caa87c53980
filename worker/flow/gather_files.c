/* Files on their way: a few of a request at a time, as base64 while they come. */
#include "shared/base/encode.h"

#include "worker/flow/gather_inside.h"
#include "worker/worker.h"

#define FILES_AT_ONCE 4 /* of one request */

/* ---- refusals ---------------------------------------------------------------------------- */

void gather_stop(struct gather *gather)
{
    reactor_disarm(&gather->x->worker->reactor, &gather->deadline);
    for (struct file *file = gather->files; file; file = file->next) {
        if (file->state != FILE_COMING)
            continue;
        fetch_cancel(&file->fetch);
        file->state = FILE_NEW;
        gather->coming--;
    }
}

void gather_refuse(struct exchange *x, struct span path, const char *why, struct span cause)
{
    struct buffer message _buffer_, detail _buffer_;

    buffer_init(&message, GATHER_MESSAGE_LIMIT);
    buffer_init(&detail, GATHER_MESSAGE_LIMIT);
    (void)buffer_append_format(&message, "'%.*s' could not be fetched: %s.", SPAN_ARG(path),
                               why);
    (void)buffer_append_format(&detail, "%.*s: %.*s", SPAN_ARG(path), SPAN_ARG(cause));
    x->complaint = ARENA_NEW(&x->arena, struct complaint);
    *x->complaint = (struct complaint){
        .kind = COMPLAINT_bad_request,
        .message = text_escape(arena_copy(&x->arena, buffer_span(&message)), &x->arena),
        .code = TEXT("invalid_image_url"),
        .param = text_escape(path, &x->arena),
    };
    x->detail = arena_copy(&x->arena, buffer_span(&detail));
    x->fault = FAULT_bad_media_url;
    metric_add(x->worker->metrics, METRIC_media_failures_total, 1);
}

static void fail(struct gather *gather, const struct file *file, const char *why,
                 struct span cause)
{
    gather_stop(gather);
    gather_refuse(gather->x, file->path, why, cause);
    flow_gathered(gather->x);
}

static void fail_plainly(struct gather *gather, const struct file *file, const char *why)
{
    fail(gather, file, why, span_of_text(why));
}

static void overload(struct gather *gather)
{
    gather_stop(gather);
    gather->x->fault = FAULT_overloaded;
    flow_gathered(gather->x);
}

/* ---- files that come --------------------------------------------------------------------- */

static struct file *owner_of(struct fetch *fetch)
{
    return (struct file *)(void *)((char *)fetch - offsetof(struct file, fetch));
}

/* As base64 at once: a large file costs the loop no long turn at its end. */
static void encode(struct file *file, struct span bytes)
{
    size_t whole;

    while (file->rest_len > 0 && file->rest_len < GATHER_GROUP_BYTES && bytes.len > 0) {
        file->rest[file->rest_len++] = bytes.ptr[0];
        bytes = span_skip(bytes, 1);
    }
    if (file->rest_len == GATHER_GROUP_BYTES) {
        (void)encode_base64(span_of(file->rest, GATHER_GROUP_BYTES), &file->base64);
        file->rest_len = 0;
    }
    whole = bytes.len - bytes.len % GATHER_GROUP_BYTES;
    (void)encode_base64(span_of(bytes.ptr, whole), &file->base64);
    for (bytes = span_skip(bytes, whole); bytes.len > 0; bytes = span_skip(bytes, 1))
        file->rest[file->rest_len++] = bytes.ptr[0];
}

static void piece(struct fetch *fetch, struct span bytes)
{
    struct file *file = owner_of(fetch);
    struct gather *gather = file->gather;
    size_t before = file->base64.len;

    gather->fetched_bytes += bytes.len;
    metric_add(gather->x->worker->metrics, METRIC_media_bytes_total, bytes.len);
    if (gather->fetched_bytes > gather_settings(gather->x)->request_bytes) {
        fail_plainly(gather, file, "the request's files are larger than this gateway fetches");
        return;
    }
    for (size_t i = 0; i < bytes.len && file->beginning_len < REMOTE_SNIFF_BYTES; i++)
        file->beginning[file->beginning_len++] = bytes.ptr[i];
    encode(file, bytes);
    if (gather_hold(gather, file->base64.len - before))
        return;
    file->base64.len = before; /* what is given back is what is held */
    overload(gather);
}

/* The last bytes; false: refused. */
static bool settle(struct file *file)
{
    size_t before = file->base64.len;

    (void)encode_base64(span_of(file->rest, file->rest_len), &file->base64);
    file->rest_len = 0;
    file->type = remote_type(span_of(file->beginning, file->beginning_len), file->fetch.type);
    if (!file->type.ptr) {
        file->base64.len = before;
        fail_plainly(
            file->gather, file,
            "it is no PNG, JPEG, GIF, WebP, PDF, WAV or MP3 file, or not what its host "
            "says");
        return false;
    }
    if (gather_hold(file->gather, file->base64.len - before))
        return true;
    file->base64.len = before;
    overload(file->gather);
    return false;
}

static void ended(struct fetch *fetch)
{
    struct file *file = owner_of(fetch);
    struct gather *gather = file->gather;

    file->state = FILE_HERE;
    gather->coming--;
    if (fetch->why) {
        fail(gather, file, fetch->why, fetch->cause);
        return;
    }
    if (!settle(file))
        return;
    gather_start(gather);
    if (gather->coming > 0)
        return;
    reactor_disarm(&gather->x->worker->reactor, &gather->deadline);
    gather_put_in_place(gather);
    flow_gathered(gather->x);
}

static const struct fetch_events fetch_events = {.piece = piece, .ended = ended};

void gather_start(struct gather *gather)
{
    for (struct file *file = gather->files; file && gather->coming < FILES_AT_ONCE;
         file = file->next) {
        if (file->state != FILE_NEW)
            continue;
        file->state = FILE_COMING;
        gather->coming++;
        metric_add(gather->x->worker->metrics, METRIC_media_fetches_total, 1);
        fetch_start(&file->fetch, &gather->x->worker->fetcher, file->url);
    }
}

void gather_time_passed(struct deadline *deadline)
{
    struct gather *gather =
        (struct gather *)(void *)((char *)deadline - offsetof(struct gather, deadline));
    struct file *file = gather->files;

    while (file && file->state != FILE_COMING)
        file = file->next;
    CHECK(file);
    fail_plainly(gather, file, "it did not arrive in time");
}

void gather_add(struct gather *gather, const struct remote *remote)
{
    struct exchange *x = gather->x;
    struct file **at = &gather->files;
    struct file *file;

    while (*at && !span_eq((*at)->url, remote->url))
        at = &(*at)->next;
    if (*at)
        return;
    file = *at = ARENA_NEW(&x->arena, struct file);
    file->gather = gather;
    file->url = arena_copy(&x->arena, remote->url);
    file->path = remote->path;
    file->fetch.events = &fetch_events;
    file->fetch.rules = &gather->rules;
    file->fetch.arena = &x->arena;
    buffer_init(&file->base64, SIZE_MAX); /* the fetch has a limit */
}
