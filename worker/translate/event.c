#include "worker/translate/event.h"

#include "worker/translate/dialect.h"
#include "worker/translate/members.h"

void event_reader_init(struct event_reader *reader, const struct dialect *dialect,
                       struct translation *translation, take_event_f *take, void *who)
{
    *reader = (struct event_reader){
        .dialect = dialect,
        .translation = translation,
        .take = take,
        .who = who,
        .state = arena_take_zeroed(translation->arena, dialect->reader_bytes + 1),
    };
    usage_init(&reader->usage);
}

void event_read(struct event_reader *reader, const struct sse_record *record)
{
    bool wanted = record->has_data || reader->dialect->reads_bare;

    if (wanted && !reader->failed && !reader->ended)
        reader->dialect->read_record(reader, record);
}

void event_read_end(struct event_reader *reader)
{
    if (reader->failed || reader->ended)
        return;
    reader->dialect->read_end(reader);
    if (!reader->failed && !reader->ended)
        event_fail(reader, COMPLAINT_cut, TEXT_NONE);
}

/* The last event: what was used until then counts, whatever came of it. */
static void tell_failure(struct event_reader *reader, struct event event)
{
    const struct usage *seen = &reader->usage;

    reader->failed = true;
    if (!event.usage && (seen->input != TOKENS_UNKNOWN || seen->output != TOKENS_UNKNOWN))
        event.usage = seen;
    reader->take(reader->who, &event);
}

void event_tell(struct event_reader *reader, const struct event *event)
{
    if (reader->failed || reader->ended)
        return;
    if (event->kind == EVENT_error) {
        tell_failure(reader, *event);
        return;
    }
    if (event->kind == EVENT_end)
        reader->ended = true;
    reader->take(reader->who, event);
}

void event_fail(struct event_reader *reader, enum complaint_kind kind, struct text message)
{
    struct complaint complaint = {
        .kind = (uint8_t)kind,
        .message = message.ptr ? message : TEXT("The provider's stream broke."),
    };
    struct event event = {.kind = EVENT_error, .complaint = &complaint};

    event_tell(reader, &event);
}

bool event_pick(struct event_reader *reader, struct span data, const struct span *keys,
                unsigned count, struct json_value *values)
{
    if (pick_unchecked(data, keys, count, values))
        return true;
    event_fail(reader, COMPLAINT_bad_answer,
               TEXT("The provider's stream has a record that is no JSON object."));
    return false;
}

void event_writer_init(struct event_writer *writer, const struct dialect *dialect,
                       struct translation *translation, struct buffer *out)
{
    *writer = (struct event_writer){
        .dialect = dialect,
        .translation = translation,
        .out = out,
        .state = arena_take_zeroed(translation->arena, dialect->writer_bytes + 1),
    };
}

void event_write(struct event_writer *writer, const struct event *event)
{
    if (writer->failed)
        return;
    writer->dialect->write_event(writer, event);
    if (event->kind == EVENT_error || writer->out->failed)
        writer->failed = true;
}
