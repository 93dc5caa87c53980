#include "supervisor/probe/question.h"

static void add_field(struct outbound_question *question, struct span name, struct span value)
{
    (void)buffer_append(&question->headers, name);
    (void)buffer_append(&question->headers, SPAN(": "));
    (void)buffer_append(&question->headers, value);
    (void)buffer_append(&question->headers, SPAN("\n"));
}

static void add_headers(struct outbound_question *question, const struct snapshot *snapshot,
                        const struct snapshot_provider *provider, struct arena *arena)
{
    struct address_field fields[ADDRESS_FIELDS_MAX];
    unsigned count = address_fields(provider, snapshot_span(snapshot, provider->credential),
                                    (enum dialect_id)provider->dialect, arena, fields);

    for (unsigned i = 0; i < count; i++)
        add_field(question, fields[i].name, fields[i].value);
    for (uint32_t i = 0; i < provider->headers.count; i++) {
        const struct snapshot_header *header =
            SNAPSHOT_ROW(snapshot, provider->headers, i, snapshot_header);

        add_field(question, snapshot_span(snapshot, header->name),
                  snapshot_span(snapshot, header->value));
    }
}

static void begin(struct outbound_question *question, const struct snapshot *snapshot,
                  const struct snapshot_provider *provider, struct span target,
                  struct arena *arena)
{
    (void)buffer_append(&question->url, provider->tls ? SPAN("https://") : SPAN("http://"));
    (void)buffer_append(&question->url, snapshot_span(snapshot, provider->authority));
    (void)buffer_append(&question->url, target);
    question->verify = provider->verify;
    if (provider->ca_file.len)
        (void)buffer_append(&question->ca_file, snapshot_span(snapshot, provider->ca_file));
    if (provider->proxy_host.len)
        (void)buffer_append_format(&question->proxy, "http://%.*s:%u",
                                   SPAN_ARG(snapshot_span(snapshot, provider->proxy_host)),
                                   provider->proxy_port);
    add_headers(question, snapshot, provider, arena);
}

void question_of_model(struct outbound_question *ret, const struct snapshot *snapshot,
                       const struct snapshot_provider *provider,
                       const struct snapshot_target *model, struct arena *arena)
{
    enum dialect_id dialect = (enum dialect_id)provider->dialect;
    struct span target =
        address_target(snapshot, provider, snapshot_span(snapshot, provider->credential),
                       ADDRESS_CHAT, dialect, snapshot_span(snapshot, model->model), arena);

    outbound_question_init(ret);
    begin(ret, snapshot, provider, target, arena);
    address_try(provider, dialect, snapshot_span(snapshot, model->model_json), &ret->body);
    add_field(ret, SPAN("content-type"), SPAN("application/json"));
}

bool question_of_list(struct outbound_question *ret, const struct snapshot *snapshot,
                      const struct snapshot_provider *provider, struct span path,
                      struct arena *arena)
{
    struct span host = snapshot_span(snapshot, provider->host);

    outbound_question_init(ret);
    if (!path.ptr)
        path = address_target(snapshot, provider, snapshot_span(snapshot, provider->credential),
                              ADDRESS_MODELS, (enum dialect_id)provider->dialect, SPAN_NONE,
                              arena);
    if (!path.ptr || provider->mock || span_starts(host, SPAN("/")))
        return false;
    begin(ret, snapshot, provider, path, arena);
    return !ret->url.failed && !ret->headers.failed;
}
