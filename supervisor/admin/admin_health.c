/* GET /admin/v1/providers/health: what this host knows of its accounts; GET .../events: what
 * changed of them; POST .../NAME/drain and /resume. */
#include <errno.h>

#include "shared/base/clock.h"
#include "shared/credential/credential.h"
#include "shared/health/health.h"

#include "supervisor/admin/routes.h"
#include "supervisor/keys/drains.h"

/* Milliseconds since a monotonic time; nothing when there was none. */
static void write_age(struct json_writer *writer, struct span name, uint64_t at_ms,
                      uint64_t now_ms)
{
    if (at_ms > 0)
        json_write_member_u64(writer, name, now_ms > at_ms ? now_ms - at_ms : 0);
}

/* Never its value. One without a name is called by its number, as in records. */
static void write_credential(struct json_writer *writer, const struct house *house,
                             const struct snapshot_credential *row, uint32_t number,
                             uint64_t now_ms)
{
    const struct credential_state *known = segment_credential(house->segment, row->row);
    uint64_t until_ms;
    enum credential_condition condition = credential_condition(known, now_ms, &until_ms);
    struct buffer name _buffer_;

    buffer_init(&name, 64);
    if (row->name.offset)
        (void)buffer_append(&name, snapshot_span(house->snapshot, row->name));
    else
        (void)buffer_append_u64(&name, number);
    json_write_object(writer);
    json_write_member_text(writer, SPAN("name"), buffer_span(&name));
    json_write_member_text(writer, SPAN("state"),
                           span_of_text(credential_condition_name(condition)));
    if (until_ms > now_ms)
        json_write_member_u64(writer, SPAN("wait_ms"), until_ms - now_ms);
    json_write_member_u64(writer, SPAN("requests"), atomic_load(&known->requests));
    json_write_object_end(writer);
}

static void write_credentials(struct json_writer *writer, const struct house *house,
                              struct snapshot_table table, uint64_t now_ms)
{
    json_write_key(writer, SPAN("credentials"));
    json_write_array(writer);
    for (uint32_t i = 0; i < table.count; i++)
        write_credential(writer, house,
                         SNAPSHOT_ROW(house->snapshot, table, i, snapshot_credential), i + 1,
                         now_ms);
    json_write_array_end(writer);
}

static void write_health(struct json_writer *writer, const struct house *house,
                         const struct snapshot_provider *row, uint64_t now_ms)
{
    const struct target_health *health = segment_target(house->segment, row->health_row);
    struct span name = snapshot_span(house->snapshot, row->name);
    uint64_t until_ms;
    enum health_state state = health_state(health, now_ms, &until_ms);

    json_write_object(writer);
    json_write_member_text(writer, SPAN("name"), name);
    json_write_member_text(writer, SPAN("state"), span_of_text(health_state_name(state)));
    if (until_ms > now_ms && until_ms < UINT64_MAX)
        json_write_member_u64(writer, SPAN("wait_ms"), until_ms - now_ms);
    json_write_member_u64(writer, SPAN("requests"), atomic_load(&health->requests));
    json_write_member_u64(writer, SPAN("failures"), atomic_load(&health->failures));
    json_write_member_u64(writer, SPAN("failures_in_row"),
                          atomic_load(&health->consecutive_failures));
    json_write_member_u64(writer, SPAN("ejections"), atomic_load(&health->ejections));
    write_age(writer, SPAN("since_failure_ms"), atomic_load(&health->last_failure_ms), now_ms);
    write_age(writer, SPAN("since_success_ms"), atomic_load(&health->last_success_ms), now_ms);
    write_credentials(writer, house, row->credentials, now_ms);
    json_write_object_end(writer);
}

void route_providers_health(struct admin_request *request)
{
    struct house *house = request->house;
    struct json_writer writer = admin_answer(request);
    struct snapshot_table table = {0};
    uint64_t now_ms = clock_monotonic_ms();

    if (house->snapshot)
        table = snapshot_page(house->snapshot)->providers;
    json_write_object(&writer);
    json_write_key(&writer, SPAN("providers"));
    json_write_array(&writer);
    for (uint32_t i = 0; i < table.count; i++) {
        const struct snapshot_provider *row =
            SNAPSHOT_ROW(house->snapshot, table, i, snapshot_provider);

        write_health(&writer, house, row, now_ms);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
}

/* ---- what changed ------------------------------------------------------------------------ */

#define EVENTS      20
#define EVENTS_MOST 1000

struct listing {
    struct arena *arena;
    struct event_row *rows; /* the newest first */
    unsigned count;
};

static void take_event(void *who, const struct event_row *row)
{
    struct listing *listing = who;
    struct event_row *kept = &listing->rows[listing->count++];

    *kept = *row;
    kept->host = arena_copy(listing->arena, row->host);
    kept->provider = arena_copy(listing->arena, row->provider);
    kept->from = arena_copy(listing->arena, row->from);
    kept->to = arena_copy(listing->arena, row->to);
    kept->cause = arena_copy(listing->arena, row->cause);
    if (row->why.ptr)
        kept->why = arena_copy(listing->arena, row->why);
}

static void write_event(struct json_writer *writer, const struct event_row *row)
{
    json_write_object(writer);
    json_write_member_u64(writer, SPAN("at_ms"), (uint64_t)row->at_ms);
    json_write_member_text(writer, SPAN("host"), row->host);
    json_write_member_text(writer, SPAN("provider"), row->provider);
    json_write_member_text(writer, SPAN("from"), row->from);
    json_write_member_text(writer, SPAN("to"), row->to);
    json_write_member_text(writer, SPAN("cause"), row->cause);
    json_write_member_text(writer, SPAN("why"), row->why);
    if (row->until_ms > 0)
        json_write_member_u64(writer, SPAN("until_ms"), (uint64_t)row->until_ms);
    json_write_object_end(writer);
}

/* PROVIDER and LIMIT of the query; false: it cannot be read, and the answer says so. */
static bool read_events_query(struct admin_request *request, struct span *ret_provider,
                              uint64_t *ret_limit)
{
    struct span rest = request->query, name, value;
    int more;

    *ret_provider = SPAN_NONE;
    *ret_limit = EVENTS;
    while ((more = admin_query_next(request, &rest, &name, &value)) == 1) {
        if (span_eq(name, SPAN("provider")))
            *ret_provider = value;
        else if (!span_eq(name, SPAN("limit")) || !span_read_u64(value, ret_limit) ||
                 *ret_limit == 0 || *ret_limit > EVENTS_MOST)
            more = -EINVAL;
        if (more < 0)
            break;
    }
    if (more < 0)
        admin_refuse(request, 400, "bad_request",
                     SPAN("provider=NAME and limit=1..1000 may be asked"));
    return more >= 0;
}

/* Of all hosts; while the store is away what this one remembers. The oldest comes first. */
void route_providers_events(struct admin_request *request)
{
    struct house *house = request->house;
    struct listing listing = {.arena = &request->arena};
    struct span provider;
    struct json_writer writer;
    uint64_t limit;
    bool whole;

    if (!read_events_query(request, &provider, &limit))
        return;
    listing.rows = ARENA_ARRAY(&request->arena, limit, struct event_row);
    whole = event_log_each(house->events, house->store, provider, (unsigned)limit, take_event,
                           &listing) == 0;
    if (!whole) {
        listing.count = 0;
        event_log_recent(house->events, provider, (unsigned)limit, take_event, &listing);
    }
    writer = admin_answer(request);
    json_write_object(&writer);
    json_write_member_bool(&writer, SPAN("whole"), whole);
    json_write_key(&writer, SPAN("events"));
    json_write_array(&writer);
    while (listing.count > 0)
        write_event(&writer, &listing.rows[--listing.count]);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
}

/* ---- by hand ----------------------------------------------------------------------------- */

/* GONE: no account has the name; what is left of it is its drain, or nothing. */
static void set_drained(struct admin_request *request, bool drained, bool gone)
{
    struct span name = request->arguments[0];
    int result = drains_set(request->house->store, name, drained, clock_wall_ms());
    struct json_writer writer;

    if (result == 0 && gone)
        result = -ENOENT;
    if (result < 0) {
        admin_refuse_errno(request, result, SPAN("provider"));
        return;
    }
    writer = admin_answer(request);
    json_write_object(&writer);
    json_write_member_text(&writer, SPAN("name"), name);
    json_write_member_bool(&writer, SPAN("drained"), drained);
    json_write_object_end(&writer);
}

static void drain(struct admin_request *request)
{
    set_drained(request, true, false);
}

static void resume(struct admin_request *request)
{
    set_drained(request, false, false);
}

static void resume_gone(struct admin_request *request)
{
    set_drained(request, false, true);
}

/* In force, wherever it comes from. */
static bool is_known(const struct admin_request *request)
{
    const struct snapshot *snapshot = request->house->snapshot;
    uint32_t index;

    return snapshot && snapshot_find_provider(snapshot, request->arguments[0], &index);
}

void route_providers_drain(struct admin_request *request)
{
    if (is_known(request)) {
        admin_change(request, drain);
        return;
    }
    admin_refuse_errno(request, -ENOENT, SPAN("provider"));
    admin_respond(request);
}

/* A drain outlives an account of the settings file that was taken out of it. */
void route_providers_resume(struct admin_request *request)
{
    admin_change(request, is_known(request) ? resume : resume_gone);
}
