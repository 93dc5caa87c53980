/* Which tokens there are, and when they are asked for. */
#include "supervisor/oauth/oauth.h"

#include <stdio.h>

#include "shared/base/encode.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"

#define URL_BYTES     8192
#define EARLY_MS      (5 * 60 * 1000LL)
#define RETRY_LOW_MS  1000
#define RETRY_HIGH_MS 60000

/* ---- times ------------------------------------------------------------------------------- */

int64_t oauth_due_after_ms(int64_t life_ms)
{
    int64_t due_ms = life_ms / 10 * 8;

    if (due_ms > life_ms - EARLY_MS)
        due_ms = life_ms - EARLY_MS;
    if (due_ms < life_ms / 2)
        due_ms = life_ms / 2;
    return due_ms < RETRY_LOW_MS ? RETRY_LOW_MS : due_ms;
}

int64_t oauth_retry_after_ms(uint32_t failures, uint64_t random)
{
    int64_t most_ms = RETRY_LOW_MS;

    while (--failures > 0 && most_ms < RETRY_HIGH_MS)
        most_ms *= 2;
    if (most_ms > RETRY_HIGH_MS)
        most_ms = RETRY_HIGH_MS;
    return most_ms / 2 + (int64_t)(random % (uint64_t)(most_ms / 2 + 1));
}

/* ---- rows -------------------------------------------------------------------------------- */

static void forget_token(struct oauth_row *row)
{
    if (row->token.ptr)
        memory_wipe(row->token.ptr, row->token.len);
    buffer_done(&row->token);
    row->until_ms = 0;
}

/* The service's address, {tenant} replaced. */
static void write_url(const struct settings_provider *from, struct buffer *out)
{
    struct span url = provider_kind_tokens(from->kind)->url;
    size_t at = span_find(url, TOKENS_TENANT);

    if (from->oauth.token_url.ptr) {
        (void)buffer_append(out, from->oauth.token_url);
    } else if (at == SIZE_MAX) {
        (void)buffer_append(out, url);
    } else {
        (void)buffer_append(out, span_of(url.ptr, at));
        (void)encode_percent(from->oauth.tenant, out);
        (void)buffer_append(out, span_skip(url, at + TOKENS_TENANT.len));
    }
}

/* PARTS as one digest; none of them has a NUL. */
static void digest(const struct span *parts, unsigned count, uint8_t ret[SHA256_SIZE])
{
    struct buffer text;

    buffer_init(&text, 65536);
    for (unsigned i = 0; i < count; i++) {
        (void)buffer_append(&text, parts[i].ptr ? parts[i] : SPAN(""));
        (void)buffer_append_byte(&text, '\0');
    }
    hash_sha256(buffer_span(&text), ret);
    memory_wipe(text.ptr, text.len);
    buffer_done(&text);
}

static void fill_row(struct oauth_row *row, const struct settings_provider *from)
{
    const struct settings_oauth *oauth = &from->oauth;

    (void)snprintf(row->name, sizeof(row->name), "%.*s", SPAN_ARG(from->name));
    row->from = from;
    buffer_init(&row->url, URL_BYTES);
    buffer_init(&row->token, OAUTH_TOKEN_BYTES);
    write_url(from, &row->url);
    digest((const struct span[]){from->kind, from->base_url, buffer_span(&row->url)}, 3,
           row->place);
    digest((const struct span[]){oauth->client_id, secret_reveal(oauth->client_secret.value),
                                 oauth->scope},
           3, row->client);
}

/* What the row BEFORE of the same provider had. */
static void take_over(struct oauth_row *row, struct oauth_row *before)
{
    bool same_client = memcmp(row->client, before->client, sizeof(row->client)) == 0;

    row->refusals = before->refusals;
    if (memcmp(row->place, before->place, sizeof(row->place)) != 0)
        return;
    row->token = before->token;
    buffer_init(&before->token, OAUTH_TOKEN_BYTES);
    row->until_ms = before->until_ms;
    row->came_ms = before->came_ms;
    memcpy(row->token_client, before->token_client, sizeof(row->token_client));
    if (!same_client)
        return;
    row->due_ms = before->due_ms;
    row->failures = before->failures;
    row->asking = before->asking;
    memcpy(row->why, before->why, sizeof(row->why));
}

void oauth_done(struct oauth_rows *rows)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        forget_token(&rows->rows[i]);
        buffer_done(&rows->rows[i].url);
    }
    memory_free(rows->rows);
    *rows = (struct oauth_rows){NULL, 0, NULL};
}

void oauth_follow(struct oauth_rows *rows, const struct settings *settings)
{
    struct oauth_rows before = *rows;
    uint32_t most = settings->providers.count;

    *rows = (struct oauth_rows){NULL, 0, settings};
    if (most > 0)
        rows->rows = memory_new_array(most, sizeof(*rows->rows));
    for (uint32_t i = 0; i < most; i++) {
        const struct settings_provider *from =
            SETTINGS_ROW(settings->providers, i, settings_provider);
        struct oauth_row *row = &rows->rows[rows->count], *old;

        if (from->oauth.line == 0)
            continue;
        rows->count++;
        fill_row(row, from);
        old = oauth_find(&before, from->name);
        if (old)
            take_over(row, old);
    }
    oauth_done(&before);
}

struct oauth_row *oauth_find(const struct oauth_rows *rows, struct span provider)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        if (span_eq(span_of_text(rows->rows[i].name), provider))
            return &rows->rows[i];
    }
    return NULL;
}

void oauth_adopt(struct oauth_rows *rows, struct span provider,
                 const struct snapshot_token *token, struct span credential)
{
    struct oauth_row *row = oauth_find(rows, provider);

    if (!row || token->until_ms == 0 ||
        memcmp(row->place, token->place, sizeof(row->place)) != 0)
        return;
    forget_token(row);
    (void)buffer_append(&row->token, credential);
    row->until_ms = token->until_ms;
    memcpy(row->token_client, token->client, sizeof(row->token_client));
}

uint32_t oauth_tokens(const struct oauth_rows *rows, struct configure_token *ret)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < rows->count; i++) {
        const struct oauth_row *row = &rows->rows[i];
        struct configure_token *token = &ret[count];

        if (row->token.len == 0)
            continue;
        *token = (struct configure_token){.provider = span_of_text(row->name),
                                          .value = secret_of(buffer_span(&row->token)),
                                          .origin = {.until_ms = row->until_ms}};
        memcpy(token->origin.place, row->place, sizeof(row->place));
        memcpy(token->origin.client, row->token_client, sizeof(row->token_client));
        count++;
    }
    return count;
}

struct oauth_row *oauth_due(const struct oauth_rows *rows, int64_t now_ms)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        struct oauth_row *row = &rows->rows[i];

        if (!row->asking && row->due_ms <= now_ms)
            return row;
    }
    return NULL;
}

/* Within the first seconds of a token, refusals may still be of the one before; and a provider
 * that refuses every token must not make us ask all the time. */
void oauth_refused(struct oauth_row *row, uint64_t count, int64_t now_ms)
{
    bool again = count != row->refusals && row->failures == 0 && row->token.len > 0 &&
                 now_ms - row->came_ms >= OAUTH_REFUSED_MS;

    row->refusals = count;
    if (again && row->due_ms > now_ms)
        row->due_ms = now_ms;
}

bool oauth_end(struct oauth_row *row, int64_t now_ms)
{
    if (row->token.len == 0 || now_ms < row->until_ms)
        return false;
    forget_token(row);
    return true;
}

void oauth_write_trouble(const struct oauth_row *row, struct buffer *out)
{
    if (row->token.len == 0)
        (void)buffer_append(out, SPAN("waiting for a token"));
    else if (row->why[0])
        (void)buffer_append(out, SPAN("no new token"));
    if (row->why[0])
        (void)buffer_append_format(out, ": %s", row->why);
}
