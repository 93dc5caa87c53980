#include "shared/snapshot/address.h"

#include "shared/base/check.h"
#include "shared/base/encode.h"

#define TARGET_BYTES_MAX 65536

static const struct {
    struct span path, deployment;
} addresses[DIALECT_COUNT][ADDRESS_KINDS] = {

#define ADDRESS(dialect, kind, path, deployment) \
    [DIALECT_##dialect][ADDRESS_##kind] = {WORD(path), WORD(deployment)},
#include "shared/snapshot/addresses.def"
};

static const struct address_field demands[DIALECT_COUNT] = {
#define DEMAND(dialect, name, value) [DIALECT_##dialect] = {WORD(name), WORD(value)},
#include "shared/snapshot/addresses.def"
};

static const struct address_field stream_demands[DIALECT_COUNT] = {
#define DEMAND_STREAM(dialect, name, value) [DIALECT_##dialect] = {WORD(name), WORD(value)},
#include "shared/snapshot/addresses.def"
};

static const struct {
    enum dialect_id dialect;
    struct span prefix, path;
} aparts[] = {

#define APART(dialect, prefix, path) {DIALECT_##dialect, WORD(prefix), WORD(path)},
#include "shared/snapshot/addresses.def"
};

/* Where chats with MODEL go when not where others do, or SPAN_NONE. */
static struct span path_apart(enum dialect_id dialect, struct span model)
{
    for (unsigned i = 0; i < ARRAY_LEN(aparts); i++) {
        if (aparts[i].dialect == dialect && span_starts(model, aparts[i].prefix))
            return aparts[i].path;
    }
    return SPAN_NONE;
}

static struct span path_of(const struct snapshot_face *face, enum dialect_id dialect,
                           enum address_kind kind, struct span model)
{
    struct span apart = SPAN_NONE;

    CHECK((unsigned)dialect < DIALECT_COUNT && (unsigned)kind < ADDRESS_KINDS);
    if (kind == ADDRESS_CHAT || kind == ADDRESS_CHAT_STREAM)
        apart = path_apart(dialect, model);
    if (apart.ptr)
        return apart;
    if (face->deployments && addresses[dialect][kind].deployment.len > 0)
        return addresses[dialect][kind].deployment;
    return addresses[dialect][kind].path;
}

static void append_path(struct buffer *out, struct span path, struct span model)
{
    static const struct span folder = {"models/", 7};
    size_t star = span_find(path, SPAN("*"));

    if (star == SIZE_MAX) {
        (void)buffer_append(out, path);
        return;
    }
    (void)buffer_append(out, span_of(path.ptr, star));
    /* Lists of models have names with the folder. */
    if (span_starts(model, folder) && span_ends(span_of(path.ptr, star), folder))
        model = span_skip(model, folder.len);
    encode_percent(model, out);
    (void)buffer_append(out, span_skip(path, star + 1));
}

static void append_query(struct buffer *out, const char *name, struct span value)
{
    bool first = span_find(buffer_span(out), SPAN("?")) == SIZE_MAX;

    if (value.len == 0)
        return;
    (void)buffer_append_format(out, "%c%s=", first ? '?' : '&', name);
    encode_percent(value, out);
}

enum dialect_id address_dialect(const struct snapshot_provider *provider,
                                enum dialect_id client)
{
    CHECK((unsigned)client < DIALECT_COUNT);
    return provider->faces[client].chats ? client : (enum dialect_id)provider->dialect;
}

struct span address_target(const struct snapshot *snapshot,
                           const struct snapshot_provider *provider, struct span credential,
                           enum address_kind kind, enum dialect_id dialect, struct span model,
                           struct arena *arena)
{
    const struct snapshot_face *face = &provider->faces[dialect];
    struct span path = path_of(face, dialect, kind, model), target = SPAN_NONE;
    struct buffer out _buffer_;

    buffer_init(&out, TARGET_BYTES_MAX);
    if (path.len == 0 || !face->answers)
        return SPAN_NONE;
    (void)buffer_append(&out, snapshot_span(snapshot, face->path));
    append_path(&out, path, model);
    append_query(&out, "api-version", snapshot_span(snapshot, provider->api_version));
    if (face->signer == SIGNER_ACCESS_TOKEN)
        append_query(&out, "access_token", credential);
    if (!out.failed)
        target = arena_copy(arena, buffer_span(&out));
    return target;
}

static struct span joined(struct arena *arena, struct span a, struct span b)
{
    char *text;

    if (a.len == 0)
        return b;
    text = arena_take_text(arena, a.len + b.len);
    memcpy(text, a.ptr, a.len);
    memcpy(text + a.len, b.ptr, b.len);
    return span_of(text, a.len + b.len);
}

unsigned address_fields(const struct snapshot_provider *provider, struct span credential,
                        enum dialect_id dialect, struct arena *arena,
                        struct address_field ret[ADDRESS_FIELDS_MAX])
{
    const struct signer_row *signer;
    unsigned count = 0;

    CHECK((unsigned)dialect < DIALECT_COUNT);
    signer = signer_row((enum signer)provider->faces[dialect].signer);
    if (signer->header.len > 0 && credential.len > 0)
        ret[count++] =
            (struct address_field){signer->header, joined(arena, signer->before, credential)};
    if (demands[dialect].name.len > 0)
        ret[count++] = demands[dialect];
    return count;
}

const struct address_field *address_stream_field(enum dialect_id dialect)
{
    CHECK((unsigned)dialect < DIALECT_COUNT);
    return stream_demands[dialect].name.len > 0 ? &stream_demands[dialect] : NULL;
}

void address_try(const struct snapshot_provider *provider, enum dialect_id dialect,
                 struct span model_json, struct buffer *out)
{
    static const struct span parts[DIALECT_COUNT][2] = {
#define TRY(dialect, before, after) [DIALECT_##dialect] = {WORD(before), WORD(after)},
#include "shared/snapshot/addresses.def"
    };
    bool old = provider->quirks & QUIRK_MAX_TOKENS_OLD;

    CHECK((unsigned)dialect < DIALECT_COUNT);
    (void)buffer_append(out, parts[dialect][0]);
    if (parts[dialect][1].len == 0)
        return;
    (void)buffer_append(out, model_json);
    if (dialect == DIALECT_DEFAULT)
        (void)buffer_append(out, old ? SPAN(",\"max_tokens\":1")
                                     : SPAN(",\"max_completion_tokens\":16"));
    (void)buffer_append(out, parts[dialect][1]);
}
