/* Streams to clients: canonical events as numbered events of this dialect.
 *
 * The end of each item repeats its text, and the end of the stream repeats all items. So this
 * is the one writer whose memory grows with its stream: by the bytes of the answer, up to
 * KEPT_BYTES. An answer that is longer goes on as deltas, and its .done events and its output
 * have no text beyond; nothing is cut from what is streamed. */
#include "shared/base/check.h"

#include "worker/translate/call.h"
#include "worker/translate/responses/responses_writing.h"

_Static_assert(sizeof(struct stream_state) <= RESPONSES_WRITER_BYTES, "it has its room");

/* ---- events ------------------------------------------------------------------------------ */

struct json_writer *responses_begin_event(struct writing *writing, const char *type)
{
    struct buffer *out = writing->writer->out;

    (void)buffer_append(out, SPAN("event: "));
    (void)buffer_append(out, span_of_text(type));
    (void)buffer_append(out, SPAN("\ndata: "));
    json_write_init(&writing->json, out);
    json_write_object(&writing->json);
    json_write_member_text(&writing->json, SPAN("type"), span_of_text(type));
    json_write_member_u64(&writing->json, SPAN("sequence_number"), writing->state->sequence++);
    return &writing->json;
}

void responses_end_event(struct writing *writing)
{
    json_write_object_end(&writing->json);
    (void)buffer_append(writing->writer->out, SPAN("\n\n"));
}

/* An event about the inside of an item. */
static struct json_writer *begin_inside(struct writing *writing, const char *type,
                                        const struct open_item *open, const char *place)
{
    struct json_writer *json = responses_begin_event(writing, type);

    text_write_member(json, SPAN("item_id"), open->item.id);
    json_write_member_u64(json, SPAN("output_index"), open->output_index);
    if (place)
        json_write_member_u64(json, span_of_text(place), 0);
    return json;
}

/* What is repeated of the request may have line ends between its tokens, where they would cut a
 * record in two; inside of strings there are none. */
static void put_on_one_line(struct buffer *out, size_t begin)
{
    char *at = out->ptr + begin, *end = out->ptr + out->len;

    for (; at && at < end; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
}

static void write_response_event(struct writing *writing, const char *type,
                                 const struct response_state *state)
{
    struct json_writer *json = responses_begin_event(writing, type);
    struct buffer *out = writing->writer->out;
    size_t begin = out->len;

    json_write_key(json, SPAN("response"));
    responses_write_response(writing->t, &writing->state->response, state, json);
    put_on_one_line(out, begin);
    responses_end_event(writing);
}

static void write_item_event(struct writing *writing, const char *type,
                             const struct open_item *open, const char *status)
{
    struct json_writer *json = responses_begin_event(writing, type);

    json_write_member_u64(json, SPAN("output_index"), open->output_index);
    json_write_key(json, SPAN("item"));
    responses_write_item(writing->t, &open->item, status, json);
    responses_end_event(writing);
}

static void write_part_event(struct writing *writing, const char *type,
                             const struct open_item *open, struct text text)
{
    struct json_writer *json = begin_inside(writing, type, open, "content_index");

    json_write_key(json, SPAN("part"));
    responses_write_part(&open->item, text, json);
    responses_end_event(writing);
}

static void write_summary_event(struct writing *writing, const char *type,
                                const struct open_item *open, struct text text)
{
    struct json_writer *json = begin_inside(writing, type, open, "summary_index");

    json_write_key(json, SPAN("part"));
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("summary_text"));
    text_write_member(json, SPAN("text"), text);
    json_write_object_end(json);
    responses_end_event(writing);
}

/* A delta, or the text that closes a part: MEMBER is its name. */
static void write_text_event(struct writing *writing, const char *type,
                             const struct open_item *open, const char *member,
                             const struct event *event)
{
    bool is_text = open->item.kind == BLOCK_text;
    bool is_message = is_text || open->item.kind == BLOCK_refusal;
    struct json_writer *json =
        begin_inside(writing, type, open,
                     is_message                           ? "content_index"
                     : open->item.kind == BLOCK_reasoning ? "summary_index"
                                                          : NULL);

    text_write_member(json, span_of_text(member), event->text);
    if (is_text) {
        json_write_key(json, SPAN("logprobs"));
        json_write_raw(json, responses_logprobs(event->logprobs));
    }
    responses_end_event(writing);
}

/* ---- the names of events, by what they are about ----------------------------------------- */

enum said {
    SAID_TEXT,
    SAID_REFUSAL,
    SAID_REASONING,
    SAID_ARGUMENTS,
    SAID_INPUT
};

static const struct {
    const char *delta, *done, *member; /* of the whole, in `done` */
} said_rows[] = {
    [SAID_TEXT] = {"response.output_text.delta", "response.output_text.done", "text"},
    [SAID_REFUSAL] = {"response.refusal.delta", "response.refusal.done", "refusal"},
    [SAID_REASONING] = {"response.reasoning_summary_text.delta",
                        "response.reasoning_summary_text.done", "text"},
    [SAID_ARGUMENTS] = {"response.function_call_arguments.delta",
                        "response.function_call_arguments.done", "arguments"},
    [SAID_INPUT] = {"response.custom_tool_call_input.delta",
                    "response.custom_tool_call_input.done", "input"},
};

static enum said said_by(const struct output_item *item)
{
    if (item->kind == BLOCK_tool_call)
        return item->custom ? SAID_INPUT : SAID_ARGUMENTS;
    if (item->kind == BLOCK_reasoning)
        return SAID_REASONING;
    return item->kind == BLOCK_refusal ? SAID_REFUSAL : SAID_TEXT;
}

/* ---- blocks ------------------------------------------------------------------------------ */

static struct open_item *find_open(struct stream_state *state, uint32_t index)
{
    struct open_item *open = state->open;

    while (open && open->index != index)
        open = open->next;
    return open;
}

static void release(void *what)
{
    struct open_item *open = what;

    buffer_done(&open->text);
    buffer_done(&open->annotations);
}

static struct text keep(struct translation *t, struct text text)
{
    return text_copy(text, t->arena);
}

static void write_added(struct writing *writing, struct open_item *open)
{
    open->output_index = writing->state->output_count++;
    write_item_event(writing, "response.output_item.added", open, "in_progress");
}

/* ---- blocks that open ----------------------------------------------------------------------
 */

static void open_block(struct writing *writing, const struct event *event)
{
    struct stream_state *state = writing->state;
    struct open_item *open;

    if (event->act)
        responses_act_events(writing, event->act);
    if (event->block_kind != BLOCK_text && event->block_kind != BLOCK_refusal &&
        event->block_kind != BLOCK_reasoning && event->block_kind != BLOCK_tool_call)
        return;
    open = ARENA_NEW(writing->t->arena, struct open_item);
    open->index = event->index;
    open->output_index = NOT_ANNOUNCED;
    buffer_init(&open->text, KEPT_BYTES);
    buffer_init(&open->annotations, KEPT_BYTES);
    arena_on_done(writing->t->arena, release, open);
    responses_item_begin(writing->t, (enum block_kind)event->block_kind,
                         keep(writing->t, event->id), keep(writing->t, event->name),
                         &open->item);
    open->item.custom = open->item.custom || event->custom;
    open->next = state->open;
    state->open = open;
    if (event->block_kind == BLOCK_tool_call)
        state->waiting = open;
    else
        write_added(writing, open);
    if (event->block_kind == BLOCK_text || event->block_kind == BLOCK_refusal)
        write_part_event(writing, "response.content_part.added", open, TEXT(""));
}

static void announce(struct writing *writing, struct open_item *open)
{
    if (open->summary)
        return;
    open->summary = true;
    if (open->item.kind == BLOCK_tool_call)
        write_added(writing, open);
    else if (open->item.kind == BLOCK_reasoning)
        write_summary_event(writing, "response.reasoning_summary_part.added", open, TEXT(""));
}

/* A call's signature, which its id carries, comes next after its beginning or never. So calls
 * are announced in the order in which they began, however their pieces come. */
static void announce_waiting(struct writing *writing, enum event_kind kind)
{
    struct open_item *waiting = writing->state->waiting;

    if (!waiting || kind == EVENT_signature || kind == EVENT_usage || kind == EVENT_ping)
        return;
    writing->state->waiting = NULL;
    announce(writing, waiting);
}

static void keep_text(struct writing *writing, struct open_item *open, struct text text)
{
    struct stream_state *state = writing->state;
    size_t left = KEPT_BYTES - state->kept_bytes;

    /* What is kept is a beginning, without holes: after one piece too many, nothing. */
    state->kept_bytes = text.len > left ? KEPT_BYTES : state->kept_bytes + text.len;
    if (text.len > left) {
        writing->t->keeps = false; /* half of an answer is none to come back to */
        return;
    }
    (void)buffer_append(&open->text, span_of(text.ptr, text.len));
}

static void add_delta(struct writing *writing, const struct event *event)
{
    struct open_item *open = find_open(writing->state, event->index);

    if (!open || event->text.len == 0)
        return;
    announce(writing, open);
    keep_text(writing, open, event->text);
    if (open->item.custom && open->item.kind == BLOCK_tool_call && !event->custom)
        return; /* its JSON is taken apart when it is whole */
    write_text_event(writing, said_rows[said_by(&open->item)].delta, open, "delta", event);
}

static void add_signature(struct writing *writing, const struct event *event)
{
    struct open_item *open = find_open(writing->state, event->index);

    if (!open)
        return;
    open->item.signature = keep(writing->t, event->text);
    open->item.origin = event->origin;
}

static void write_citation(struct writing *writing, struct open_item *open,
                           const struct citation *citation)
{
    struct json_writer *json, list;

    json =
        begin_inside(writing, "response.output_text.annotation.added", open, "content_index");
    json_write_member_u64(json, SPAN("annotation_index"), open->citation_count++);
    json_write_key(json, SPAN("annotation"));
    responses_write_annotation(citation, json);
    responses_end_event(writing);
    if (open->annotations.len > 0)
        (void)buffer_append_byte(&open->annotations, ',');
    json_write_init(&list, &open->annotations);
    responses_write_annotation(citation, &list);
}

/* One that is about the whole of its text waits for its end. */
static void add_citation(struct writing *writing, const struct event *event)
{
    struct open_item *open = find_open(writing->state, event->index);
    struct citation **at;

    if (!open || !event->citation->url.ptr)
        return;
    if (event->citation->end.kind == JSON_NUMBER) {
        write_citation(writing, open, event->citation);
        return;
    }
    for (at = &open->citations; *at; at = &(*at)->next)
        continue;
    *at = ARENA_NEW(writing->t->arena, struct citation);
    (*at)->url = keep(writing->t, event->citation->url);
    (*at)->title = keep(writing->t, event->citation->title);
}

static void write_waiting(struct writing *writing, struct open_item *open)
{
    struct text text = {buffer_span(&open->text).ptr, open->text.len};

    for (const struct citation *at = open->citations; at; at = at->next) {
        struct citation placed = responses_placed(at, text, writing->t->arena);

        write_citation(writing, open, &placed);
    }
}

static void keep_item(struct writing *writing, const struct open_item *open, const char *status)
{
    struct buffer out _buffer_;
    struct json_writer json;

    buffer_init(&out, SIZE_MAX);
    json_write_init(&json, &out);
    responses_write_item(writing->t, &open->item, status, &json);
    responses_keep_json(writing, open->output_index, buffer_span(&out));
}

/* The signature of a text goes in reasoning of its own behind it. */
static void write_text_signature(struct writing *writing, const struct open_item *text)
{
    struct block signed_text = {
        .kind = BLOCK_text, .origin = text->item.origin, .signature = text->item.signature};
    struct open_item open = {.output_index = writing->state->output_count};

    if (text->item.kind != BLOCK_text || text->item.signature.len == 0 ||
        text->item.origin == DIALECT_NONE)
        return;
    responses_text_signature(writing->t, &signed_text, &open.item);
    writing->state->output_count++;
    write_item_event(writing, "response.output_item.added", &open, "in_progress");
    write_item_event(writing, "response.output_item.done", &open, "completed");
    keep_item(writing, &open, "completed");
}

/* The free text in the JSON that a provider without such tools answered. */
static void unwrap_custom(struct writing *writing, struct open_item *open)
{
    struct block call = {.kind = BLOCK_tool_call, .arguments = open->item.text};
    struct text input = call_custom_input(&call, writing->t->arena);

    if (!input.ptr)
        return;
    open->item.text = input;
    write_text_event(writing, said_rows[SAID_INPUT].delta, open, "delta",
                     &(struct event){.text = input});
}

/* A call that has nothing to say still has arguments: clients parse them. */
static void say_no_arguments(struct writing *writing, struct open_item *open)
{
    if (open->item.kind != BLOCK_tool_call || open->item.custom || open->text.len > 0 ||
        writing->state->kept_bytes == KEPT_BYTES)
        return;
    keep_text(writing, open, TEXT("{}"));
    write_text_event(writing, said_rows[SAID_ARGUMENTS].delta, open, "delta",
                     &(struct event){.text = TEXT("{}")});
}

static void close_item(struct writing *writing, struct open_item *open, const char *status)
{
    struct stream_state *state = writing->state;
    struct open_item **at = &state->open;
    enum said said;

    while (*at != open)
        at = &(*at)->next;
    *at = open->next;
    if (open->item.kind != BLOCK_reasoning || open->text.len > 0)
        announce(writing, open);
    say_no_arguments(writing, open);
    write_waiting(writing, open);
    open->item.text = (struct text){buffer_span(&open->text).ptr, open->text.len};
    if (open->annotations.len > 0)
        open->item.annotations = buffer_span(&open->annotations);
    if (open->item.custom)
        unwrap_custom(writing, open);
    said = said_by(&open->item);
    if (open->item.kind != BLOCK_reasoning || open->text.len > 0)
        write_text_event(writing, said_rows[said].done, open, said_rows[said].member,
                         &(struct event){.text = open->item.text});
    if (open->item.kind == BLOCK_reasoning && open->text.len > 0)
        write_summary_event(writing, "response.reasoning_summary_part.done", open,
                            open->item.text);
    if (said == SAID_TEXT || said == SAID_REFUSAL)
        write_part_event(writing, "response.content_part.done", open, open->item.text);
    write_item_event(writing, "response.output_item.done", open, status);
    keep_item(writing, open, status);
    write_text_signature(writing, open);
    release(open);
}

static void close_all(struct writing *writing, const char *status)
{
    while (writing->state->open) {
        struct open_item *first = writing->state->open;

        for (struct open_item *at = first; at; at = at->next)
            if (at->output_index < first->output_index ||
                (at->output_index == first->output_index && at->index < first->index))
                first = at;
        close_item(writing, first, status);
    }
}

/* ---- the whole --------------------------------------------------------------------------- */

static void start(struct writing *writing, const struct event *event)
{
    struct response_state in_progress = {.status = "in_progress"};

    if (writing->state->begun)
        return;
    writing->state->begun = true;
    usage_init(&writing->state->usage);
    responses_begin(writing->t, keep(writing->t, event->id), keep(writing->t, event->model),
                    event->created, &writing->state->response);
    write_response_event(writing, "response.created", &in_progress);
    write_response_event(writing, "response.in_progress", &in_progress);
}

static void write_kept(const struct stream_state *state, struct buffer *out)
{
    for (const struct kept_item *kept = state->kept; kept; kept = kept->next) {
        if (out->len > 0)
            (void)buffer_append_byte(out, ',');
        (void)buffer_append(out, kept->json);
    }
}

static void end(struct writing *writing, const struct complaint *complaint)
{
    struct stream_state *stream = writing->state;
    struct response_state state = {.usage = &stream->usage, .complaint = complaint};
    struct buffer items _buffer_;
    const char *type;

    state.status = responses_status((enum stop_reason)stream->stop, &state.why);
    if (complaint)
        state.status = "failed";
    close_all(writing, state.why || complaint ? "incomplete" : "completed");
    buffer_init(&items, SIZE_MAX);
    write_kept(stream, &items);
    state.output = buffer_span(&items);
    type = complaint   ? "response.failed"
           : state.why ? "response.incomplete"
                       : "response.completed";
    write_response_event(writing, type, &state);
}

static void fail(struct writing *writing, const struct event *event)
{
    struct event begin = {.kind = EVENT_start};
    struct json_writer *json;

    start(writing, &begin);
    json = responses_begin_event(writing, "error");
    json_write_key(json, SPAN("error"));
    responses_write_error(event->complaint, json);
    responses_end_event(writing);
    end(writing, event->complaint);
}

void responses_write_event(struct event_writer *writer, const struct event *event)
{
    struct stream_state *state = writer->state;
    struct writing writing = {.writer = writer, .state = state, .t = writer->translation};

    if (event->choice > 0)
        return; /* a response has one answer */
    if (event->usage)
        state->usage = *event->usage;
    announce_waiting(&writing, (enum event_kind)event->kind);
    switch ((enum event_kind)event->kind) {
    case EVENT_start:
        start(&writing, event);
        if (event->usage)
            state->usage = *event->usage;
        break;
    case EVENT_open: open_block(&writing, event); break;
    case EVENT_delta: add_delta(&writing, event); break;
    case EVENT_signature: add_signature(&writing, event); break;
    case EVENT_citation: add_citation(&writing, event); break;
    case EVENT_close: {
        struct open_item *open = find_open(state, event->index);

        if (open)
            close_item(&writing, open, "completed");
        break;
    }
    case EVENT_stop: state->stop = event->stop; break;
    case EVENT_usage:
    case EVENT_ping: break;
    case EVENT_error: fail(&writing, event); break;
    case EVENT_end: end(&writing, NULL); break;
    }
}
