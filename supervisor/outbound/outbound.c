#include "supervisor/outbound/outbound.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/memory.h"

void outbound_open(void)
{
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == 0);
}

static atomic_bool ending;

void outbound_end(void)
{
    atomic_store(&ending, true);
}

static int progressed(void *who, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                      curl_off_t up)
{
    (void)who;
    (void)down_all;
    (void)down;
    (void)up_all;
    (void)up;
    return atomic_load(&ending) ? 1 : 0;
}

void outbound_question_init(struct outbound_question *question)
{
    memset(question, 0, sizeof(*question));
    buffer_init(&question->url, 8192);
    buffer_init(&question->headers, 32768);
    buffer_init(&question->ca_file, 4096);
    buffer_init(&question->body, 65536);
    buffer_init(&question->proxy, 4096);
    question->verify = true;
}

static void wipe(struct buffer *buffer)
{
    if (buffer->ptr)
        memory_wipe(buffer->ptr, buffer->len);
    buffer_done(buffer);
}

void outbound_question_done(struct outbound_question *question)
{
    wipe(&question->headers);
    wipe(&question->url);
    wipe(&question->body);
    buffer_done(&question->ca_file);
    buffer_done(&question->proxy);
}

struct arriving {
    struct outbound_answer *answer;
    size_t total;
};

static size_t body_arrived(char *bytes, size_t size, size_t count, void *who)
{
    struct arriving *arriving = who;
    struct outbound_answer *answer = arriving->answer;
    size_t more = size * count, room = sizeof(answer->body) - answer->body_len;

    if (room > more)
        room = more;
    memcpy(answer->body + answer->body_len, bytes, room);
    answer->body_len += room;
    arriving->total += more;
    return arriving->total > OUTBOUND_BODY_BYTES ? 0 : more;
}

static const char *text_of(const struct buffer *from, struct buffer *copy)
{
    buffer_init(copy, from->len + 1);
    (void)buffer_append(copy, buffer_span(from));
    (void)buffer_append_byte(copy, '\0');
    return copy->ptr;
}

static void set_options(CURL *curl, const struct outbound_question *question,
                        struct arriving *arriving)
{
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(
        curl, CURLOPT_TIMEOUT_MS,
        (long)(question->wait_ms > 0 ? question->wait_ms : OUTBOUND_WAIT_MS));
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progressed);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_arrived);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, arriving);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, question->verify ? 1L : 0L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, question->verify ? 2L : 0L);
}

/* WHY: libcurl's own words for this failure (a name, an address, what is wrong with a
 * certificate); may be empty. */
static void tell(CURL *curl, CURLcode result, const char *why, size_t body_bytes,
                 struct outbound_answer *ret)
{
    long status = 0;

    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    ret->status = (uint64_t)status;
    ret->ok = status >= 200 && status < 300 &&
              (result == CURLE_OK || body_bytes > OUTBOUND_BODY_BYTES);
    if (ret->ok)
        (void)snprintf(ret->message, sizeof(ret->message), "it answers");
    else if (result != CURLE_OK)
        (void)snprintf(ret->message, sizeof(ret->message), "%s",
                       why[0] ? why : curl_easy_strerror(result));
    else if (status == 401 || status == 403)
        (void)snprintf(ret->message, sizeof(ret->message),
                       "it answered %ld: the credential is refused", status);
    else
        (void)snprintf(ret->message, sizeof(ret->message), "it answered %ld", status);
}

static struct curl_slist *header_list(const struct outbound_question *question)
{
    struct span rest = buffer_span(&question->headers), line;
    struct curl_slist *list = NULL;
    struct buffer text;

    while (rest.len > 0 && span_cut(&rest, '\n', &line)) {
        buffer_init(&text, line.len + 1);
        (void)buffer_append(&text, line);
        (void)buffer_append_byte(&text, '\0');
        list = curl_slist_append(list, text.ptr);
        memory_wipe(text.ptr, text.len);
        buffer_done(&text);
    }
    return list;
}

static void free_headers(struct curl_slist *list)
{
    for (struct curl_slist *at = list; at; at = at->next)
        memory_wipe(at->data, strlen(at->data));
    curl_slist_free_all(list);
}

void outbound_ask(const struct outbound_question *question, struct outbound_answer *ret)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = header_list(question);
    struct buffer url, ca_file, proxy;
    uint64_t began_ms = clock_monotonic_ms();
    char why[CURL_ERROR_SIZE] = "";
    struct arriving arriving = {ret, 0};

    memset(ret, 0, sizeof(*ret));
    if (!curl) {
        free_headers(headers);
        return;
    }
    set_options(curl, question, &arriving);
    (void)curl_easy_setopt(curl, CURLOPT_URL, text_of(&question->url, &url));
    if (question->body.len || question->post) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)question->body.len);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, buffer_span(&question->body).ptr);
    }
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)text_of(&question->ca_file, &ca_file);
    if (question->ca_file.len)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file.ptr);
    (void)text_of(&question->proxy, &proxy);
    if (question->proxy.len)
        (void)curl_easy_setopt(curl, CURLOPT_PROXY, proxy.ptr);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    tell(curl, curl_easy_perform(curl), why, arriving.total, ret);
    ret->latency_ms = clock_monotonic_ms() - began_ms;
    free_headers(headers);
    curl_easy_cleanup(curl);
    wipe(&url);
    buffer_done(&ca_file);
    buffer_done(&proxy);
}
