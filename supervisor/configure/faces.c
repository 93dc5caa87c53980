/* Which dialects a provider speaks, and where: what its kind says, changed by what its settings
 * say. */
#include "supervisor/configure/configure_inside.h"

/* The path of the kind's own base URL. */
static struct span kind_path(const struct provider_kind *kind)
{
    struct settings_url url;

    return settings_split_url(kind->base_url, &url) ? url.path : SPAN_NONE;
}

/* The form of addresses that has the model in the path. */
static bool has_deployments(const struct account *account, struct span path)
{
    return account->settings && account->settings->api_version.ptr &&
           !span_ends(path, SPAN("/v1"));
}

static struct span whole_path(const struct account *account, struct span path)
{
    return path.len > 0 ? path
                        : provider_kind_path(account->kind, has_deployments(account, path));
}

static bool is_named(const struct settings_provider *settings, enum dialect_id dialect)
{
    for (uint32_t i = 0; settings && i < settings->dialects.count; i++) {
        if (dialect_named(((const struct span *)settings->dialects.rows)[i]) == dialect)
            return true;
    }
    return false;
}

static void put_face(struct snapshot_builder *builder, const struct account *account,
                     const struct provider_face *from, struct span path,
                     struct snapshot_face *ret)
{
    const struct settings_provider *settings = account->settings;

    if (settings && settings->paths.of[from->dialect].ptr)
        path = settings->paths.of[from->dialect];
    else if (from->path.len > 0)
        path = from->path;
    *ret = (struct snapshot_face){
        .path = snapshot_build_text(builder, path.ptr ? path : SPAN("")),
        .signer =
            account->token ? provider_kind_tokens(account->kind->name)->signer : from->signer,
        .answers = true,
        .chats = from->chats,
        .deployments = has_deployments(account, path),
    };
    if (settings && settings->auth > 0)
        ret->signer = (uint8_t)(settings->auth - 1);
    if (secret_reveal(account->credential).len == 0)
        ret->signer = SIGNER_NONE;
}

/* The kind's. A base URL that was changed in more than its host has the faces at its own path
 * only: where the others went nobody knows. */
static void put_kind_faces(struct snapshot_builder *builder, const struct account *account,
                           struct span path, struct snapshot_provider *provider)
{
    bool moved = account->kind->base_url.len > 0 && !span_eq(path, kind_path(account->kind));
    struct provider_face face;

    provider->dialect = account->kind->dialect;
    for (unsigned i = 0; provider_kind_face(account->kind, i, &face); i++) {
        if (!moved || face.path.len == 0)
            put_face(builder, account, &face, path, &provider->faces[face.dialect]);
    }
}

static struct provider_face face_of(const struct provider_kind *kind, enum dialect_id dialect)
{
    struct provider_face face;

    for (unsigned i = 0; provider_kind_face(kind, i, &face); i++) {
        if (face.dialect == dialect)
            return face;
    }
    return (struct provider_face){.dialect = (uint8_t)dialect, .signer = kind->signer};
}

void put_faces(struct snapshot_builder *builder, const struct account *account,
               const struct settings_url *url, struct snapshot_provider *provider)
{
    const struct settings_provider *settings = account->settings;
    struct span path = whole_path(account, url->path);
    bool chosen = settings && settings->dialects.count > 0;

    put_kind_faces(builder, account, path, provider);
    for (unsigned i = 0; i < DIALECT_COUNT; i++) {
        struct provider_face face = face_of(account->kind, (enum dialect_id)i);
        bool placed = settings && settings->paths.of[i].ptr;

        face.chats = chosen ? is_named(settings, (enum dialect_id)i) : placed || face.chats;
        if (placed || (chosen && face.chats))
            put_face(builder, account, &face, path, &provider->faces[i]);
        else
            provider->faces[i].chats = face.chats && provider->faces[i].answers;
    }
    if (chosen)
        provider->dialect =
            (uint8_t)dialect_named(*(const struct span *)settings->dialects.rows);
    if (settings)
        provider->api_version = snapshot_build_text(builder, settings->api_version);
    provider->base_path = provider->faces[provider->dialect].path;
}
