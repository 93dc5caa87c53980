#include "cli/link.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/file.h"
#include "shared/base/log.h"
#include "shared/text/json_write.h"

#include "cli/place.h"

#define URL_BYTES     4096
#define MESSAGE_BYTES 8192

static const struct {
    enum exit_code code;
    const char *name;
} code_names[] = {
    {EXIT_FAILED, "failed"},       {EXIT_USAGE, "usage"},
    {EXIT_NOT_FOUND, "not_found"}, {EXIT_NO_ACCESS, "no_access"},
    {EXIT_CONFLICT, "conflict"},   {EXIT_UNREACHABLE, "unreachable"},
    {EXIT_TIMEOUT, "timeout"},
};

void print_out(struct span text)
{
    (void)file_write(STDOUT_FILENO, text);
}

int tell_error(const struct invocation *invocation, enum exit_code code, struct span message)
{
    struct buffer out;
    struct json_writer writer;
    const char *name = "failed";

    for (size_t i = 0; i < sizeof(code_names) / sizeof(code_names[0]); i++) {
        if (code_names[i].code == code)
            name = code_names[i].name;
    }
    buffer_init(&out, 65536);
    if (invocation->json) {
        json_write_init(&writer, &out);
        json_write_object(&writer);
        json_write_key(&writer, SPAN("error"));
        json_write_object(&writer);
        json_write_member_text(&writer, SPAN("code"), span_of_text(name));
        json_write_member_text(&writer, SPAN("message"), message);
        json_write_object_end(&writer);
        json_write_object_end(&writer);
    } else {
        (void)buffer_append(&out, SPAN("aigwctl: "));
        (void)buffer_append(&out, message);
    }
    (void)buffer_append_byte(&out, '\n');
    (void)file_write(STDERR_FILENO, buffer_span(&out));
    buffer_done(&out);
    return (int)code;
}

void append_segment(struct buffer *path, struct span s)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] && strchr(plain, s.ptr[i]))
            (void)buffer_append_byte(path, s.ptr[i]);
        else
            (void)buffer_append_format(path, "%%%02X", (unsigned)(unsigned char)s.ptr[i]);
    }
}

static size_t body_arrived(char *bytes, size_t size, size_t count, void *answer)
{
    struct buffer *body = &((struct link_answer *)answer)->body;

    return buffer_append(body, span_of(bytes, size * count)) ? size * count : 0;
}

static size_t header_arrived(char *bytes, size_t size, size_t count, void *answer)
{
    struct buffer *next = &((struct link_answer *)answer)->next;
    struct span value = span_of(bytes, size * count), name;

    if (span_cut(&value, ':', &name) && value.ptr && span_eq_nocase(name, SPAN("x-next"))) {
        while (span_ends(value, SPAN("\n")) || span_ends(value, SPAN("\r")))
            value.len--;
        (void)buffer_append(next, span_trim(value));
    }
    return size * count;
}

/* What went wrong on the way, with the place that was tried. */
static int tell_failure(const struct invocation *invocation, const struct place *place,
                        CURLcode result)
{
    char text[MESSAGE_BYTES];
    enum exit_code code = result == CURLE_OPERATION_TIMEDOUT ? EXIT_TIMEOUT : EXIT_UNREACHABLE;

    (void)snprintf(text, sizeof(text), "%s %s: %s",
                   code == EXIT_TIMEOUT ? "no answer in time from"
                                        : "cannot reach the daemon at",
                   place->shown, curl_easy_strerror(result));
    return tell_error(invocation, code, span_of_text(text));
}

static enum exit_code code_of_status(long status)
{
    switch (status) {
    case 401:
    case 403: return EXIT_NO_ACCESS;
    case 404: return EXIT_NOT_FOUND;
    case 409: return EXIT_CONFLICT;
    case 504: return EXIT_TIMEOUT;
    default: return EXIT_FAILED;
    }
}

/* The daemon's own message, with the lines of its list when it has one. */
static int tell_refusal(const struct invocation *invocation, const struct link_answer *answer)
{
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(answer->tree, "error");
    struct span message = json_tree_text(error, "message");
    const cJSON *line;
    struct buffer out;
    int code;

    buffer_init(&out, 65536);
    if (message.ptr)
        (void)buffer_append(&out, message);
    else
        (void)buffer_append_format(&out, "the daemon answered %ld", answer->status);
    cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(error, "errors"))
    {
        (void)buffer_append_byte(&out, '\n');
        if (cJSON_IsString(line))
            (void)buffer_append(&out, span_of_text(line->valuestring));
    }
    code = tell_error(invocation, code_of_status(answer->status), buffer_span(&out));
    buffer_done(&out);
    return code;
}

static struct curl_slist *request_headers(const struct place *place, struct span body)
{
    struct curl_slist *list = NULL;
    struct buffer line;

    if (body.ptr)
        list = curl_slist_append(list, "Content-Type: application/json");
    list = curl_slist_append(list, "Expect:");
    if (place->token.hidden.ptr) {
        buffer_init(&line, 8192);
        (void)buffer_append(&line, SPAN("Authorization: Bearer "));
        (void)buffer_append(&line, secret_reveal(place->token));
        (void)buffer_append_byte(&line, '\0');
        list = curl_slist_append(list, line.ptr);
        buffer_done(&line);
    }
    return list;
}

static void set_options(CURL *curl, const struct invocation *invocation,
                        const struct place *place, const char *method, struct span body)
{
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)invocation->timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_arrived);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    if (place->socket) {
        (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, place->socket);
        (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    }
    if (body.ptr) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.len);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.ptr);
    } else if (strcmp(method, "POST") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    }
}

int link_ask(struct invocation *invocation, const char *method, struct span path,
             struct span body, struct link_answer *ret)
{
    struct place place;
    char url[URL_BYTES];
    struct curl_slist *headers;
    CURL *curl;
    CURLcode result;
    int code = place_find(invocation, &place);

    memset(ret, 0, sizeof(*ret));
    buffer_init(&ret->body, LINK_ANSWER_BYTES);
    buffer_init(&ret->next, URL_BYTES);
    if (code != EXIT_OK)
        return code;
    (void)snprintf(url, sizeof(url), "%s/admin/v1%.*s", place.base, SPAN_ARG(path));
    curl = curl_easy_init();
    if (!curl)
        return tell_error(invocation, EXIT_FAILED, SPAN("libcurl does not start"));
    headers = request_headers(&place, body);
    set_options(curl, invocation, &place, method, body);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, header_arrived);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, ret);
    result = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret->status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (result != CURLE_OK)
        return tell_failure(invocation, &place, result);
    ret->tree = json_tree_read(buffer_span(&ret->body));
    if (ret->status < 200 || ret->status > 299)
        return tell_refusal(invocation, ret);
    return EXIT_OK;
}

void link_answer_done(struct link_answer *answer)
{
    buffer_done(&answer->body);
    buffer_done(&answer->next);
    cJSON_Delete(answer->tree);
    answer->tree = NULL;
}

bool link_printed(const struct invocation *invocation, const struct link_answer *answer)
{
    if (invocation->quiet)
        return true;
    if (!invocation->json)
        return false;
    print_out(buffer_span(&answer->body));
    print_out(SPAN("\n"));
    return true;
}

int link_remove(struct invocation *invocation, struct span path)
{
    struct link_answer answer;
    int code = link_ask(invocation, "DELETE", path, SPAN_NONE, &answer);

    if (code == EXIT_OK && !link_printed(invocation, &answer))
        print_out(SPAN("removed\n"));
    link_answer_done(&answer);
    return code;
}
