/* POST /admin/v1/route/explain: where a request would go now, and why. The same plan as in the
 * workers, of the newest snapshot and the segment; chance and turns are those of this moment.
 */
#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/hash.h"
#include "shared/health/health.h"
#include "shared/route/condition.h"
#include "shared/route/pace.h"
#include "shared/route/trace.h"
#include "shared/settings/capability.h"
#include "shared/settings/condition.h"

#include "supervisor/admin/routes.h"

#define LIST_MOST   64
#define TOKENS_MOST 1000000000

/* What the body asks, as the facts that a worker would have; spans live as long as the body. */
struct question {
    const struct snapshot *snapshot;
    const struct snapshot_model *model;
    struct route_facts facts;
    struct span tags[LIST_MOST], headers[CONDITION_HEADERS_MAX];
};

/* ---- the question. Each returns NULL, or what is wrong ------------------------------------
 */

/* The texts of the list NAME, at most LIST_MOST; none when it is not there. */
static const char *read_texts(const cJSON *body, const char *name, struct span *list,
                              unsigned *ret_count)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(body, name), *item;

    *ret_count = 0;
    if (!array)
        return NULL;
    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) > LIST_MOST)
        return "tags, headers and features are lists of at most 64 texts";
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsString(item))
            return "tags, headers and features are lists of at most 64 texts";
        list[(*ret_count)++] = span_of_text(item->valuestring);
    }
    return NULL;
}

static const char *read_model(struct question *question, const cJSON *body)
{
    struct span name = json_tree_text(body, "model");

    if (!name.ptr)
        return "a model is needed";
    question->model = snapshot_find_model(question->snapshot, name);
    return question->model ? NULL : "neither the settings nor a catalogue have this model";
}

static const char *read_key(struct question *question, const cJSON *body)
{
    struct span wanted = json_tree_text(body, "key");
    struct snapshot_table keys = snapshot_page(question->snapshot)->keys;

    if (!wanted.ptr)
        return NULL;
    for (uint32_t i = 0; i < keys.count; i++) {
        const struct snapshot_key *key =
            SNAPSHOT_ROW(question->snapshot, keys, i, snapshot_key);

        if (span_eq(wanted, span_of(key->id, KEY_ID_SIZE)) ||
            span_eq(wanted, snapshot_span(question->snapshot, key->name))) {
            question->facts.key = key;
            return NULL;
        }
    }
    return "there is no key with this id or name";
}

static const char *read_tags(struct question *question, const cJSON *body)
{
    question->facts.tags = question->tags;
    return read_texts(body, "tags", question->tags, &question->facts.tag_count);
}

static void keep_header(struct question *question, struct span name, struct span value)
{
    struct snapshot_table names = snapshot_page(question->snapshot)->route_headers;

    for (uint32_t i = 0; i < names.count; i++) {
        struct snapshot_text row = *SNAPSHOT_ROW(question->snapshot, names, i, snapshot_text);

        if (!question->headers[i].ptr &&
            span_eq_nocase(name, snapshot_span(question->snapshot, row)))
            question->headers[i] = value;
    }
}

static const char *read_headers(struct question *question, const cJSON *body)
{
    struct span list[LIST_MOST], name;
    unsigned count;
    const char *why = read_texts(body, "headers", list, &count);

    question->facts.headers = question->headers;
    for (unsigned i = 0; !why && i < count; i++) {
        if (span_cut(&list[i], '=', &name) && list[i].ptr)
            keep_header(question, name, list[i]);
        else
            why = "a header is NAME=VALUE";
    }
    return why;
}

static const char *read_features(struct question *question, const cJSON *body)
{
    struct span list[LIST_MOST];
    unsigned count;
    const char *why = read_texts(body, "features", list, &count);

    for (unsigned i = 0; !why && i < count; i++) {
        uint32_t bit = condition_feature(list[i]);

        question->facts.features |= bit;
        if (bit == 0)
            why = "a feature is tools, vision, audio, documents, json_schema, reasoning or "
                  "stream";
    }
    question->facts.capabilities = conditions_needs(question->facts.features);
    if (!question->model->automatic)
        question->facts.capabilities &= CAPABILITY_tools | CAPABILITY_vision;
    return why;
}

static const char *read_tokens(struct question *question, const cJSON *body)
{
    int64_t input = 0, output = 0;

    if ((cJSON_HasObjectItem(body, "input") &&
         !json_tree_i64(body, "input", 0, TOKENS_MOST, &input)) ||
        (cJSON_HasObjectItem(body, "output") &&
         !json_tree_i64(body, "output", 0, TOKENS_MOST, &output)))
        return "input and output are numbers of tokens";
    question->facts.input = (uint64_t)input;
    question->facts.output = (uint64_t)output;
    return NULL;
}

static const char *read_rest(struct question *question, const cJSON *body)
{
    struct span session = json_tree_text(body, "session"), at = json_tree_text(body, "at");

    question->facts.provider = json_tree_text(body, "provider");
    if (session.ptr)
        question->facts.session = hash_fast(session) | 1;
    if (at.ptr && !clock_read_date_ms(at, &question->facts.wall_ms))
        return "at is a time like 2026-12-01T08:00:00Z";
    return NULL;
}

typedef const char *read_f(struct question *question, const cJSON *body);

static read_f *const readers[] = {read_model,    read_key,    read_tags, read_headers,
                                  read_features, read_tokens, read_rest};

static const char *read_question(struct question *question, const cJSON *body)
{
    struct route_facts *facts = &question->facts;
    const char *why = NULL;

    *facts = (struct route_facts){
        .now_ms = clock_monotonic_ms(), .wall_ms = clock_wall_ms(), .random = random_u64()};
    for (unsigned i = 0; !why && i < ARRAY_LEN(readers); i++)
        why = readers[i](question, body);
    if (why)
        return why;
    if (!route_needs_request(question->snapshot, question->model))
        facts->session = facts->capabilities = 0;
    if (!route_needs_tokens(question->snapshot, question->model))
        facts->input = facts->output = 0;
    return NULL;
}

/* ---- the answer ---------------------------------------------------------------------------
 */

static struct span strategy_name(uint32_t strategy)
{
    static const struct span names[ROUTE_STRATEGY_COUNT] = {
#define STRATEGY(name, help) [ROUTE_##name] = {#name, sizeof(#name) - 1},
#include "shared/settings/strategies.def"
#undef STRATEGY
    };

    return names[strategy];
}

static const char *const role_names[] = {
    [ROUTE_OWN] = "own",
    [ROUTE_GENERAL] = "fallback",
    [ROUTE_CONTEXT] = "context_fallback",
    [ROUTE_CONTENT] = "content_fallback",
};

/* What is against it; of one that nothing is against and that is not in the plan, that this has
 * no room. */
static struct span reason_of(const struct route_trace_row *row)
{
    if (row->reason == ROUTE_REASON_fits && row->place == 0)
        return SPAN("no_room");
    return row->reason == ROUTE_REASON_fits ? SPAN_NONE
                                            : route_reason_name((enum route_reason)row->reason);
}

static void write_reason(struct json_writer *writer, const struct route_trace_row *row,
                         uint64_t now_ms)
{
    struct span reason = reason_of(row);

    if (reason.ptr)
        json_write_member_text(writer, SPAN("reason"), reason);
    if (row->condition < CONDITION_COUNT)
        json_write_member_text(writer, SPAN("condition"),
                               condition_name((enum condition)row->condition));
    if (row->until_ms > now_ms && row->until_ms < UINT64_MAX)
        json_write_member_u64(writer, SPAN("wait_ms"), row->until_ms - now_ms);
}

static void write_account(struct json_writer *writer, struct segment *segment, uint32_t index,
                          uint64_t now_ms)
{
    struct target_health *health = segment_target(segment, index);
    const struct target_pace *pace = segment_pace(segment, index);
    uint64_t until_ms;

    json_write_member_text(
        writer, SPAN("health"),
        span_of_text(health_state_name(health_state(health, now_ms, &until_ms))));
    json_write_member_u64(writer, SPAN("in_flight"), atomic_load(&health->in_flight));
    json_write_member_u64(writer, SPAN("recent"), pace_recent(pace, now_ms));
    json_write_member_u64(writer, SPAN("first_us"), pace_first_us(pace, now_ms));
}

static void write_target(struct json_writer *writer, const struct question *question,
                         struct segment *segment, const struct route_trace_row *row)
{
    const struct snapshot *snapshot = question->snapshot;
    const struct snapshot_target *target = row->target;
    const struct snapshot_provider *provider = SNAPSHOT_ROW(
        snapshot, snapshot_page(snapshot)->providers, target->provider, snapshot_provider);

    json_write_object(writer);
    if (row->place > 0)
        json_write_member_u64(writer, SPAN("place"), row->place);
    json_write_member_text(writer, SPAN("provider"), snapshot_span(snapshot, provider->name));
    json_write_member_text(writer, SPAN("model"), snapshot_span(snapshot, target->model));
    json_write_member_text(writer, SPAN("of"), snapshot_span(snapshot, row->model->name));
    json_write_member_text(writer, SPAN("role"), span_of_text(role_names[row->role]));
    write_reason(writer, row, question->facts.now_ms);
    json_write_member_text(writer, SPAN("strategy"), strategy_name(row->model->strategy));
    json_write_member_u64(writer, SPAN("priority"), target->priority);
    json_write_member_u64(writer, SPAN("weight"), target->weight);
    if (row->scored && row->score < UINT64_MAX)
        json_write_member_u64(writer, SPAN("score"), row->score);
    json_write_member_bool(writer, SPAN("behind"), row->behind);
    write_account(writer, segment, provider->health_row, question->facts.now_ms);
    json_write_member_bool(writer, SPAN("priced"), target->price > 0);
    if (target->context > 0)
        json_write_member_u64(writer, SPAN("context"), target->context);
    json_write_object_end(writer);
}

/* Those of the plan in its order, then the others as they were looked at. */
static void write_targets(struct json_writer *writer, const struct question *question,
                          struct segment *segment, const struct route_trace *trace)
{
    json_write_key(writer, SPAN("targets"));
    json_write_array(writer);
    for (unsigned place = 1; place <= ROUTE_TARGETS_MAX; place++)
        for (unsigned i = 0; i < trace->count; i++)
            if (trace->rows[i].place == place)
                write_target(writer, question, segment, &trace->rows[i]);
    for (unsigned i = 0; i < trace->count; i++)
        if (trace->rows[i].place == 0)
            write_target(writer, question, segment, &trace->rows[i]);
    json_write_array_end(writer);
}

static void write_bounds(struct json_writer *writer, const struct snapshot *snapshot,
                         const struct route_plan *plan)
{
    const struct snapshot_attempts *attempts = &snapshot_page(snapshot)->attempts;

    json_write_key(writer, SPAN("bounds"));
    json_write_object(writer);
    json_write_member_u64(writer, SPAN("attempts"), attempts->most);
    json_write_member_u64(writer, SPAN("per_target"), attempts->per_target);
    json_write_member_u64(writer, SPAN("budget_percent"), attempts->budget_percent);
    json_write_member_u64(writer, SPAN("total_ms"), plan->total_ms);
    json_write_member_bool(writer, SPAN("hedge"), plan->hedge != NULL);
    json_write_object_end(writer);
}

static void explain(struct admin_request *request, const struct question *question)
{
    struct route_trace *trace = ARENA_NEW(&request->arena, struct route_trace);
    struct route_plan plan = {.total_ms = snapshot_page(question->snapshot)->times.total_ms};
    struct json_writer writer = admin_answer(request);

    route_explain(question->snapshot, request->house->segment, question->model,
                  &question->facts, &request->arena, &plan, trace);
    json_write_object(&writer);
    json_write_member_text(&writer, SPAN("model"),
                           snapshot_span(question->snapshot, question->model->name));
    json_write_member_text(&writer, SPAN("strategy"), strategy_name(question->model->strategy));
    json_write_member_bool(&writer, SPAN("session"), question->facts.session != 0);
    json_write_member_u64(&writer, SPAN("planned"), plan.count);
    json_write_member_u64(&writer, SPAN("not_shown"), trace->dropped);
    write_targets(&writer, question, request->house->segment, trace);
    write_bounds(&writer, question->snapshot, &plan);
    json_write_object_end(&writer);
}

void route_route_explain(struct admin_request *request)
{
    struct question question = {.snapshot = request->house->snapshot};
    cJSON *body = admin_body(request);
    const char *why;

    if (!body)
        return;
    why = question.snapshot ? read_question(&question, body) : "nothing is in force yet";
    if (why)
        admin_refuse(request, 400, "bad_request", span_of_text(why));
    else
        explain(request, &question);
    cJSON_Delete(body);
}
