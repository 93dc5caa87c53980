#include "worker/flow/stored.h"

#include <errno.h>

#include "shared/base/log.h"

#include "worker/memory/memory.h"
#include "worker/worker.h"

#define MESSAGE_LIMIT       256
#define ID_SHOWN_BYTES      100
#define PAGE_USUAL          20
#define PAGE_MOST           100
#define REPLY_EXTRA_BYTES   65536 /* of a list: names and numbers around its items */
#define EXPANDED_MORE_BYTES 64

static struct span owner_of(const struct exchange *x)
{
    return span_of(x->caller.key->id, KEY_ID_SIZE);
}

static uint64_t largest_bytes(const struct exchange *x)
{
    return x->worker->kept.folder_fd >= 0 ? x->view->page->limits.stored_response_bytes : 0;
}

static void tell_failure(const struct exchange *x, const char *what, int error)
{
    log_event(LOG_WARNING, what, LOG_TEXT_FIELD("request", span_of(x->id, REQUEST_ID_SIZE)),
              LOG_ERRNO_FIELD(error));
}

static enum fault not_found(struct exchange *x, struct span id, const char *param)
{
    struct buffer message _buffer_;

    if (id.len > ID_SHOWN_BYTES)
        id.len = ID_SHOWN_BYTES;
    buffer_init(&message, MESSAGE_LIMIT);
    (void)buffer_append(&message, SPAN("There is no stored response '"));
    (void)buffer_append(&message, id);
    (void)buffer_append(&message, SPAN("'."));
    x->refusal = (struct refusal){arena_copy(&x->arena, buffer_span(&message)), param};
    return FAULT_response_not_found;
}

/* The response ID when it is the caller's; FILE owns what RET points to. */
static bool find(struct exchange *x, struct span id, struct buffer *file, struct memory *ret)
{
    int result;

    if (x->worker->kept.folder_fd < 0 || !memory_is_id(id))
        return false;
    result = kept_get(&x->worker->kept, id, file);
    if (result < 0 && result != -ENOENT)
        tell_failure(x, "a kept response cannot be read", result);
    return result == 0 && memory_read(buffer_span(file), owner_of(x), ret);
}

/* ---- requests ---------------------------------------------------------------------------- */

static void release(void *what)
{
    struct stored *stored = what;

    buffer_done(&stored->expanded);
}

/* The conversation that PREVIOUS ends, before what the client added to it. */
static enum fault expand(struct exchange *x, struct json_value previous)
{
    struct stored *stored = x->stored;
    struct span id = json_text(previous, &x->arena);
    struct buffer file _buffer_;
    struct memory memory;

    buffer_init(&file, KEPT_FILE_BYTES);
    if (!find(x, id, &file, &memory))
        return not_found(x, id, "previous_response_id");
    buffer_init(&stored->expanded, file.len + stored->body.raw.len + EXPANDED_MORE_BYTES);
    arena_on_done(&x->arena, release, stored);
    if (!memory_expand(stored->body, &memory, &stored->expanded))
        return FAULT_body_too_large;
    stored->body.raw = buffer_span(&stored->expanded);
    stored->previous = text_escape(id, &x->arena);
    return FAULT_NONE;
}

enum fault stored_open(struct exchange *x)
{
    struct json_value body = crossing_body(buffer_span(&x->body)), previous;
    uint64_t largest = largest_bytes(x);
    enum fault fault = FAULT_NONE;

    if (x->stored || largest == 0)
        return FAULT_NONE;
    x->stored = ARENA_NEW(&x->arena, struct stored);
    x->stored->body = body;
    previous = json_member(body, SPAN("previous_response_id"));
    if (previous.kind == JSON_STRING)
        fault = expand(x, previous);
    x->stored->keeps = json_member(body, SPAN("store")).kind != JSON_FALSE &&
                       x->stored->body.raw.len < largest;
    return fault;
}

/* ---- answers ----------------------------------------------------------------------------- */

static bool ended_well(struct json_value response)
{
    struct json_value status = json_member(response, SPAN("status"));

    return json_text_eq(status, SPAN("completed")) || json_text_eq(status, SPAN("incomplete"));
}

static int keep(struct exchange *x, struct json_value response)
{
    struct span id = json_text(json_member(response, SPAN("id")), &x->arena);
    struct buffer file _buffer_;

    buffer_init(&file, largest_bytes(x));
    if (!memory_write(owner_of(x), x->stored->body, response, &file))
        return -EFBIG;
    return kept_put(&x->worker->kept, id, buffer_span(&file));
}

void stored_keep(struct exchange *x, struct json_value response)
{
    int result = 0;

    if (x->current->crossing->translation.keeps && response.kind == JSON_OBJECT &&
        ended_well(response))
        result = keep(x, response);
    if (result < 0)
        tell_failure(x, "a response could not be kept", result);
}

/* ---- what clients read ------------------------------------------------------------------- */

static void refuse_stored(struct exchange *x, enum fault fault)
{
    x->fault = fault;
    reply_fault(x);
}

static void reply_items(struct exchange *x, const struct memory *memory,
                        const struct memory_page *page)
{
    struct json_writer json;
    struct buffer body _buffer_;

    buffer_init(&body, 2 * (size_t)KEPT_FILE_BYTES + REPLY_EXTRA_BYTES);
    json_write_init(&json, &body);
    memory_write_items(memory, page, &x->arena, &json);
    if (body.failed)
        refuse_stored(x, FAULT_answer_too_large);
    else
        reply_json(x, 200, buffer_span(&body));
}

static enum fault bad_query(struct exchange *x, const char *param, struct span message)
{
    x->refusal = (struct refusal){message, param};
    return FAULT_bad_request;
}

static enum fault read_page(struct exchange *x, struct memory_page *ret)
{
    const struct head_page *asked = &x->head.page;
    uint64_t limit = PAGE_USUAL;

    if (asked->limit.ptr &&
        (!span_read_u64(asked->limit, &limit) || limit == 0 || limit > PAGE_MOST))
        return bad_query(x, "limit", SPAN("limit must be a number from 1 to 100."));
    if (asked->order.ptr && !span_eq(asked->order, SPAN("asc")) &&
        !span_eq(asked->order, SPAN("desc")))
        return bad_query(x, "order", SPAN("order must be asc or desc."));
    *ret = (struct memory_page){
        .after = asked->after,
        .limit = (unsigned)limit,
        .ascending = span_eq(asked->order, SPAN("asc")),
    };
    return FAULT_NONE;
}

static void reply_list(struct exchange *x, const struct memory *memory)
{
    struct memory_page page;
    enum fault fault = read_page(x, &page);

    if (fault)
        refuse_stored(x, fault);
    else
        reply_items(x, memory, &page);
}

static enum fault remove_kept(struct exchange *x)
{
    int result = kept_remove(&x->worker->kept, x->head.argument);

    if (result == -ENOENT)
        return not_found(x, x->head.argument, NULL);
    if (result < 0)
        tell_failure(x, "a kept response cannot be removed", result);
    return result < 0 ? FAULT_internal : FAULT_NONE;
}

static void reply_deleted(struct exchange *x)
{
    struct buffer body _buffer_;
    struct json_writer json;

    buffer_init(&body, MESSAGE_LIMIT);
    json_write_init(&json, &body);
    memory_write_deleted(x->head.argument, &json);
    reply_json(x, 200, buffer_span(&body));
}

static void reply_removal(struct exchange *x)
{
    enum fault fault = remove_kept(x);

    if (fault)
        refuse_stored(x, fault);
    else
        reply_deleted(x);
}

void stored_reply(struct exchange *x)
{
    const struct operation_row *row = operation_row(x->head.operation);
    struct buffer file _buffer_;
    struct memory memory;

    buffer_init(&file, KEPT_FILE_BYTES);
    if (!find(x, x->head.argument, &file, &memory))
        refuse_stored(x, not_found(x, x->head.argument, NULL));
    else if (row->method == HTTP_METHOD_DELETE)
        reply_removal(x);
    else if (row->kind == OPERATION_KIND_STORED_ITEMS)
        reply_list(x, &memory);
    else
        reply_json(x, 200, memory.response.raw);
}
