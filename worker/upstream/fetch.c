#include "worker/upstream/fetch.h"

#include <stdio.h>

#include "shared/base/check.h"

static struct fetch *fetch_of(struct call *call)
{
    return (struct fetch *)(void *)((char *)call - offsetof(struct fetch, call));
}

/* ---- whose turn it is -------------------------------------------------------------------- */

static void enqueue(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->fetcher;

    fetch->next = NULL;
    if (fetcher->waiting_last)
        fetcher->waiting_last->next = fetch;
    else
        fetcher->waiting = fetch;
    fetcher->waiting_last = fetch;
    fetch->state = FETCH_QUEUED;
}

static void leave_queue(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->fetcher;
    struct fetch *before = NULL, *at = fetcher->waiting;

    while (at != fetch) {
        CHECK(at);
        before = at;
        at = at->next;
    }
    if (before)
        before->next = fetch->next;
    else
        fetcher->waiting = fetch->next;
    if (fetcher->waiting_last == fetch)
        fetcher->waiting_last = before;
}

static void ask(struct fetch *fetch);

static void serve(struct fetcher *fetcher)
{
    while (fetcher->waiting && fetcher->running < fetcher->most) {
        struct fetch *fetch = fetcher->waiting;

        leave_queue(fetch);
        fetch->state = FETCH_RUNNING;
        fetcher->running++;
        ask(fetch);
    }
}

/* ---- the end ------------------------------------------------------------------------------
 */

static void leave_endpoint(struct fetch *fetch)
{
    if (fetch->endpoint)
        upstream_give_up(fetch->endpoint);
    fetch->endpoint = NULL;
}

/* The fetch is its owner's again. */
static void let_go(struct fetch *fetch)
{
    bool ran = fetch->state == FETCH_RUNNING;

    call_cancel(&fetch->call);
    leave_endpoint(fetch);
    reactor_forget(&fetch->task);
    if (fetch->state == FETCH_QUEUED)
        leave_queue(fetch);
    fetch->state = FETCH_NONE;
    if (!ran)
        return;
    fetch->fetcher->running--;
    serve(fetch->fetcher);
}

void fetch_cancel(struct fetch *fetch)
{
    if (fetch->state != FETCH_NONE)
        let_go(fetch);
}

static void end(struct fetch *fetch, const char *why, struct span cause)
{
    fetch->why = why;
    fetch->cause = cause.ptr ? arena_copy(fetch->arena, cause) : span_of_text(why);
    let_go(fetch);
    fetch->events->ended(fetch);
}

static void fail(struct fetch *fetch, const char *why)
{
    end(fetch, why, SPAN_NONE);
}

static void tell_failure(struct reactor_task *task)
{
    struct fetch *fetch = (struct fetch *)(void *)((char *)task - offsetof(struct fetch, task));

    fail(fetch, fetch->why);
}

static void fail_soon(struct fetch *fetch, const char *why)
{
    fetch->state = FETCH_FAILING;
    fetch->why = why;
    fetch->task.run = tell_failure;
    reactor_soon(fetch->fetcher->upstream.reactor, &fetch->task);
}

/* ---- one request ---------------------------------------------------------------------------
 */

static const char *bars(const void *gate, const struct sockaddr *address)
{
    const struct fetch_rules *rules = gate;

    for (unsigned i = 0; i < rules->allow_count; i++)
        if (net_holds(&rules->allow[i], address))
            return NULL;
    return net_unfit(address);
}

static const char *wrong_scheme(const struct fetch *fetch)
{
    return fetch->address.tls || fetch->rules->http ? NULL : "only https is fetched here";
}

static const struct call_events call_events;

static void ask(struct fetch *fetch)
{
    struct endpoint_options options = {
        .host = fetch->address.host,
        .port = fetch->address.port,
        .tls = fetch->address.tls ? fetch->rules->tls : NULL,
        .bars = bars,
        .gate = fetch->rules,
    };

    fetch->headers[0] = (struct call_header){SPAN("Accept"), SPAN("*/*")};
    fetch->headers[1] = (struct call_header){SPAN("Accept-Encoding"), SPAN("identity")};
    fetch->request = (struct call_request){
        .method_id = HTTP_METHOD_GET,
        .method = SPAN("GET"),
        .target = fetch->address.target,
        .headers = fetch->headers,
        .header_count = FETCH_HEADERS,
    };
    fetch->endpoint = upstream_single(&fetch->fetcher->upstream, &options);
    call_start(&fetch->call, fetch->endpoint, &fetch->request, &call_events);
}

static bool leads_on(uint16_t status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void follow(struct fetch *fetch, struct span location)
{
    struct web_address next;
    const char *wrong;

    if (fetch->redirects == FETCH_REDIRECTS_MAX) {
        fail(fetch, "it leads on too often");
        return;
    }
    if (!location.ptr || !web_address_follow(&fetch->address, location, fetch->arena, &next)) {
        fail(fetch, "it leads on to what is no address of the web");
        return;
    }
    fetch->redirects++;
    fetch->address = next;
    wrong = wrong_scheme(fetch);
    if (wrong) {
        fail(fetch, wrong);
        return;
    }
    call_cancel(&fetch->call);
    leave_endpoint(fetch);
    ask(fetch);
}

static bool is_coded(const struct http_head *head)
{
    struct span coding = http_find(head, SPAN("content-encoding"));

    return coding.len > 0 && !span_eq_nocase(coding, SPAN("identity"));
}

static void answered(struct call *call, const struct http_head *head)
{
    struct fetch *fetch = fetch_of(call);
    struct span type = http_find(head, SPAN("content-type"));

    if (leads_on(head->status)) {
        follow(fetch, http_find(head, SPAN("location")));
        return;
    }
    if (head->status != 200) {
        (void)snprintf(fetch->status_text, sizeof(fetch->status_text),
                       "its host answered with status %u", head->status);
        fail(fetch, fetch->status_text);
        return;
    }
    if (is_coded(head)) {
        fail(fetch, "it is sent in a content coding");
        return;
    }
    if (head->content_length != HTTP_LENGTH_NONE &&
        head->content_length > fetch->rules->limit_bytes) {
        fail(fetch, "it is larger than this gateway fetches");
        return;
    }
    fetch->type = type.ptr ? arena_copy(fetch->arena, type) : SPAN_NONE;
}

static void body(struct call *call, struct span bytes)
{
    struct fetch *fetch = fetch_of(call);

    fetch->bytes += bytes.len;
    if (fetch->bytes > fetch->rules->limit_bytes)
        fail(fetch, "it is larger than this gateway fetches");
    else
        fetch->events->piece(fetch, bytes);
}

static void turn(struct call *call)
{
    (void)call;
}

static void done(struct call *call)
{
    end(fetch_of(call), NULL, SPAN_NONE);
}

/* What the client is told; it does not tell apart names that are not there from those that lead
 * inside, lest they be searched for. */
static const char *words_of(enum fault fault)
{
    switch ((int)fault) {
    case FAULT_dns_failed:
    case FAULT_not_permitted: return "its host has no public address";
    case FAULT_tls_failed: return "TLS with its host failed";
    case FAULT_bad_answer: return "its host does not answer in HTTP";
    case FAULT_upstream_reset:
    case FAULT_answer_cut: return "its host broke the connection";
    }
    return "its host cannot be reached";
}

static void failed(struct call *call, enum fault fault, const char *why)
{
    end(fetch_of(call), words_of(fault), span_of_text(why));
}

static const struct call_events call_events = {
    .answered = answered,
    .body = body,
    .turn = turn,
    .done = done,
    .failed = failed,
};

/* ---- for the owner -------------------------------------------------------------------------
 */

bool fetcher_open(struct fetcher *fetcher, struct reactor *reactor, struct span user_agent,
                  const char **reterr)
{
    fetcher->resolver = resolver_new(reactor, &(struct resolver_options){0}, reterr);
    if (!fetcher->resolver)
        return false;
    upstream_init(&fetcher->upstream, reactor, fetcher->resolver, user_agent);
    return true;
}

void fetcher_done(struct fetcher *fetcher)
{
    CHECK(!fetcher->waiting && fetcher->running == 0);
    upstream_done(&fetcher->upstream);
    resolver_free(fetcher->resolver);
}

void fetch_start(struct fetch *fetch, struct fetcher *fetcher, struct span url)
{
    const char *wrong = NULL;

    fetch->fetcher = fetcher;
    fetch->type = fetch->cause = SPAN_NONE;
    fetch->why = NULL;
    fetch->endpoint = NULL;
    fetch->bytes = 0;
    fetch->redirects = 0;
    if (!web_address_read(url, fetch->arena, &fetch->address))
        wrong = "it is no address of the web";
    else
        wrong = wrong_scheme(fetch);
    if (wrong) {
        fail_soon(fetch, wrong);
        return;
    }
    enqueue(fetch);
    serve(fetcher);
}
