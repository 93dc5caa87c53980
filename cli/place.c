#include "cli/place.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/base/memory.h"

#include "cli/link.h"

#define FILE_BYTES 65536

static const char *text_of(struct span s)
{
    return keep_text(s).ptr;
}

struct span place_settings_file(const struct invocation *invocation)
{
    struct span given = invocation->options[OPTION_CONFIG];

    if (given.ptr)
        return given;
    return access("aigw.yaml", F_OK) == 0 ? SPAN("aigw.yaml") : span_of_text(AIGW_CONFIG_FILE);
}

struct span place_read_file(struct span file)
{
    const char *name = text_of(file);
    struct span kept;
    int fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    char *bytes = memory_new(FILE_BYTES);
    size_t len = 0;
    ssize_t count = -1;

    if (fd >= 0) {
        do {
            count = read(fd, bytes + len, FILE_BYTES - len);
            len += count > 0 ? (size_t)count : 0;
        } while (count > 0 && len < FILE_BYTES);
        if (fd != STDIN_FILENO)
            (void)close(fd);
    }
    if (count < 0) {
        memory_free(bytes);
        return SPAN_NONE;
    }
    while (len > 0 && strchr(" \t\r\n", bytes[len - 1]))
        len--;
    kept = keep_text(span_of(bytes, len));
    memory_wipe(bytes, FILE_BYTES);
    memory_free(bytes);
    return kept;
}

static int find_token(const struct invocation *invocation, struct place *ret)
{
    struct span file = invocation->options[OPTION_TOKEN_FILE];
    const char *given = getenv("AIGW_TOKEN");
    char text[512];

    if (!file.ptr) {
        ret->token = secret_of(span_of_text(given && given[0] ? given : NULL));
        return EXIT_OK;
    }
    ret->token = secret_of(place_read_file(file));
    if (ret->token.hidden.ptr)
        return EXIT_OK;
    (void)snprintf(text, sizeof(text), "cannot read the token from %.*s: %s", SPAN_ARG(file),
                   log_error_text(errno));
    return tell_error(invocation, EXIT_FAILED, span_of_text(text));
}

static int server_place(const struct invocation *invocation, struct span url, struct place *ret)
{
    if (!span_starts(url, SPAN("http://")) && !span_starts(url, SPAN("https://")))
        return tell_error(invocation, EXIT_USAGE,
                          SPAN("--server begins with http:// or https://"));
    while (span_ends(url, SPAN("/")))
        url.len--;
    ret->base = text_of(url);
    ret->shown = ret->base;
    return find_token(invocation, ret);
}

int place_find(const struct invocation *invocation, struct place *ret)
{
    struct span server = invocation->options[OPTION_SERVER];
    const char *given = getenv("AIGW_SERVER");
    int code;

    memset(ret, 0, sizeof(*ret));
    if (!server.ptr && given && given[0] && !invocation->options[OPTION_CONFIG].ptr)
        server = span_of_text(given);
    if (server.ptr)
        return server_place(invocation, server, ret);
    ret->base = "http://localhost";
    code = place_of_settings(invocation, &ret->socket);
    ret->shown = ret->socket;
    return code;
}
