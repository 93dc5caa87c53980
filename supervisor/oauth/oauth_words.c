/* What is asked, and what the answer says. */
#include <stdio.h>

#include "shared/base/encode.h"
#include "shared/base/memory.h"
#include "shared/json_tree/json_tree.h"

#include "supervisor/oauth/oauth.h"

#define LIFE_MOST_S    (366 * 86400LL)
#define OWN_WORDS_MOST 200

/* ---- question ---------------------------------------------------------------------------- */

static void add_parameter(struct buffer *out, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    (void)buffer_append_format(out, "&%s=", name);
    (void)encode_percent(value, out);
}

static void write_parameters(const struct settings_oauth *oauth, struct span scope,
                             struct buffer *out)
{
    (void)buffer_append(out, SPAN("grant_type=client_credentials"));
    add_parameter(out, "client_id", oauth->client_id);
    add_parameter(out, "client_secret", secret_reveal(oauth->client_secret.value));
    add_parameter(out, "scope", oauth->scope.ptr ? oauth->scope : scope);
}

void oauth_write_question(const struct oauth_rows *rows, const struct oauth_row *row,
                          struct outbound_question *ret)
{
    const struct settings_provider *from = row->from;
    const struct provider_tokens *service = provider_kind_tokens(from->kind);

    ret->post = true;
    (void)buffer_append(&ret->url, buffer_span(&row->url));
    (void)buffer_append(&ret->headers, SPAN("accept: application/json\n"));
    (void)buffer_append(&ret->ca_file, from->oauth.ca_file.ptr ? from->oauth.ca_file
                                                               : rows->settings->tls.ca_file);
    (void)buffer_append(&ret->proxy, from->proxy);
    switch ((enum token_form)service->form) {
    case TOKEN_FORM_BODY:
        (void)buffer_append(&ret->headers,
                            SPAN("content-type: application/x-www-form-urlencoded\n"));
        write_parameters(&from->oauth, service->scope, &ret->body);
        break;
    case TOKEN_FORM_QUERY:
        (void)buffer_append_byte(&ret->url, '?');
        write_parameters(&from->oauth, service->scope, &ret->url);
        break;
    }
}

/* ---- answer ------------------------------------------------------------------------------ */

/* What can stand in a header field. */
static bool is_token(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 127)
            return false;
    }
    return text.len > 0 && text.len <= OAUTH_TOKEN_BYTES;
}

/* Some services write it as a text. */
static int64_t life_ms(const cJSON *tree)
{
    struct span text = json_tree_text(tree, "expires_in");
    int64_t seconds;
    uint64_t number;

    if (json_tree_i64(tree, "expires_in", 1, LIFE_MOST_S, &seconds))
        return seconds * 1000;
    if (text.ptr && span_read_u64(text, &number) && number >= 1 && number <= LIFE_MOST_S)
        return (int64_t)number * 1000;
    return OAUTH_LIFE_MS;
}

/* The beginning of TEXT that is one line of plain characters. */
static struct span plain_start(struct span text)
{
    size_t len = 0;

    while (len < text.len && len < OWN_WORDS_MOST && text.ptr[len] >= ' ' &&
           text.ptr[len] < 127)
        len++;
    return span_of(text.ptr, len);
}

/* The service's own words, unless they repeat what was sent. */
static void add_own_words(const cJSON *tree, const char *member, struct span secret,
                          struct buffer *out)
{
    struct span words = json_tree_text(tree, member);

    if (words.len == 0 || (secret.len > 0 && span_find(words, secret) != SIZE_MAX))
        return;
    words = plain_start(words);
    (void)buffer_append_format(out, ": %.*s", SPAN_ARG(words));
}

static void write_why(const struct oauth_row *row, const struct outbound_answer *answer,
                      const cJSON *tree, struct buffer *out)
{
    struct span secret = secret_reveal(row->from->oauth.client_secret.value);
    struct settings_url url;

    if (answer->status == 0)
        (void)buffer_append(out, span_of_text(answer->message));
    else
        (void)buffer_append_format(out, "HTTP %u", (unsigned)answer->status);
    if (settings_split_url(buffer_span(&row->url), &url))
        (void)buffer_append_format(out, " from %.*s", SPAN_ARG(url.authority));
    if (answer->status == 0)
        return;
    if (tree && json_tree_text(tree, "error").len > 0) {
        add_own_words(tree, "error", secret, out);
        add_own_words(tree, "error_description", secret, out);
    } else if (answer->ok) {
        (void)buffer_append(out, SPAN(": an answer without an access_token that can be used"));
    }
}

static bool take_token(struct oauth_row *row, struct span token, int64_t life, int64_t now_ms)
{
    struct buffer fresh;

    buffer_init(&fresh, OAUTH_TOKEN_BYTES);
    (void)buffer_append(&fresh, token);
    if (row->token.ptr)
        memory_wipe(row->token.ptr, row->token.len);
    buffer_done(&row->token);
    row->token = fresh;
    memcpy(row->token_client, row->client, sizeof(row->token_client));
    row->came_ms = now_ms;
    row->until_ms = now_ms + life;
    row->due_ms = now_ms + oauth_due_after_ms(life);
    row->failures = 0;
    row->why[0] = '\0';
    return true;
}

static bool take_failure(struct oauth_row *row, const struct outbound_answer *answer,
                         const cJSON *tree, int64_t retry_at_ms)
{
    struct buffer why;

    buffer_init(&why, 4096);
    write_why(row, answer, tree, &why);
    (void)snprintf(row->why, sizeof(row->why), "%.*s", SPAN_ARG(buffer_span(&why)));
    row->due_ms = retry_at_ms;
    buffer_done(&why);
    return false;
}

bool oauth_take_answer(struct oauth_row *row, const struct outbound_answer *answer,
                       int64_t now_ms, uint64_t random)
{
    cJSON *tree = json_tree_read(span_of(answer->body, answer->body_len));
    struct span token = cJSON_IsObject(tree) ? json_tree_text(tree, "access_token") : SPAN_NONE;
    bool took;

    row->asking = false;
    if (answer->ok && is_token(token)) {
        took = take_token(row, token, life_ms(tree), now_ms);
    } else {
        row->failures += row->failures < UINT32_MAX;
        took = take_failure(row, answer, tree,
                            now_ms + oauth_retry_after_ms(row->failures, random));
    }
    cJSON_Delete(tree);
    return took;
}
