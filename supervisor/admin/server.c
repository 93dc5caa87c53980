#include "supervisor/admin/server.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#define READ_BYTES    65536
#define BACKLOG       128
#define REQUEST_MS    30000
#define LISTENERS_MAX 2 /* TCP and Unix socket */

union admin_handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

struct admin_listener {
    union admin_handle socket;
    struct admin_server *server;
    bool unix_socket;
};

struct admin_server {
    struct house *house;
    struct admin_listener *listeners[LISTENERS_MAX];
    unsigned connection_count;
    struct http_scratch scratch;
    struct http_limits limits;
    char read_buffer[READ_BYTES];
};

struct admin_connection {
    union admin_handle socket;
    uv_timer_t timer;
    uv_write_t write;
    struct admin_server *server;
    struct http_reader reader;
    struct buffer waiting; /* bytes that came behind the request that is being worked on */
    struct buffer body, head;
    struct admin_request *request; /* being read or worked on */
    unsigned open_handles;
    bool unix_socket, local;
    bool working; /* the request is with the routes, or its answer is being written */
    bool closing, keep_alive, head_only;
};

static void feed(struct admin_connection *connection, struct span bytes);

/* ---- end of a connection ----------------------------------------------------------------- */

static void request_free(struct admin_request *request)
{
    if (!request)
        return;
    memory_wipe(request->answer.ptr, request->answer.len);
    buffer_done(&request->answer);
    arena_done(&request->arena);
    memory_free(request);
}

static void connection_free(struct admin_connection *connection)
{
    connection->server->connection_count--;
    request_free(connection->request);
    http_reader_done(&connection->reader);
    buffer_done(&connection->waiting);
    memory_wipe(connection->body.ptr, connection->body.len);
    buffer_done(&connection->body);
    buffer_done(&connection->head);
    memory_free(connection);
}

static void handle_closed(uv_handle_t *handle)
{
    struct admin_connection *connection = handle->data;

    connection->open_handles--;
    if (connection->open_handles == 0 && !connection->working)
        connection_free(connection);
}

/* What the routes still work on keeps the memory until admin_respond. */
static void connection_close(struct admin_connection *connection)
{
    if (connection->closing)
        return;
    connection->closing = true;
    uv_close(&connection->socket.handle, handle_closed);
    uv_close((uv_handle_t *)&connection->timer, handle_closed);
}

static void time_over(uv_timer_t *timer)
{
    connection_close(timer->data);
}

/* ---- answers ----------------------------------------------------------------------------- */

static void answer_written(uv_write_t *write, int status)
{
    struct admin_connection *connection = write->data;

    connection->working = false;
    request_free(connection->request);
    connection->request = NULL;
    if (connection->closing) {
        if (connection->open_handles == 0)
            connection_free(connection);
        return;
    }
    if (status < 0 || !connection->keep_alive) {
        connection_close(connection);
        return;
    }
    http_reader_next_message(&connection->reader);
    (void)uv_timer_start(&connection->timer, time_over, REQUEST_MS, 0);
    feed(connection, SPAN_NONE);
}

static void write_head(struct admin_connection *connection, const struct admin_request *request)
{
    struct buffer *head = &connection->head;

    buffer_clear(head);
    (void)buffer_append_format(head, "HTTP/1.1 %u %s\r\n", (unsigned)request->status,
                               http_reason(request->status));
    (void)buffer_append_format(head, "Content-Type: %s\r\nContent-Length: %zu\r\n",
                               request->content_type ? request->content_type
                                                     : "application/json",
                               request->answer.len);
    (void)buffer_append(head, SPAN("Cache-Control: no-store\r\n"));
    if (request->extra_header)
        (void)buffer_append_format(head, "%s\r\n", request->extra_header);
    if (!connection->keep_alive)
        (void)buffer_append(head, SPAN("Connection: close\r\n"));
    (void)buffer_append(head, SPAN("\r\n"));
}

void admin_respond(struct admin_request *request)
{
    struct admin_connection *connection = request->connection;
    uv_buf_t pieces[2];
    int result;

    CHECK(connection->working && connection->request == request && request->status != 0);
    if (connection->closing) {
        answer_written(&connection->write, UV_ECANCELED);
        return;
    }
    if (request->answer.failed) {
        request->status = 500;
        buffer_done(&request->answer);
    }
    write_head(connection, request);
    pieces[0] = uv_buf_init(connection->head.ptr, (unsigned)connection->head.len);
    pieces[1] = uv_buf_init(request->answer.ptr, (unsigned)request->answer.len);
    result =
        uv_write(&connection->write, &connection->socket.stream, pieces,
                 connection->head_only || request->answer.len == 0 ? 1 : 2, answer_written);
    if (result < 0)
        answer_written(&connection->write, result);
}

/* ---- requests ---------------------------------------------------------------------------- */

static struct admin_request *request_new(struct admin_connection *connection)
{
    struct admin_request *request = MEMORY_NEW(struct admin_request);

    request->connection = connection;
    request->house = connection->server->house;
    request->local = connection->local;
    request->unix_socket = connection->unix_socket;
    arena_init(&request->arena, 0);
    buffer_init(&request->answer, ADMIN_ANSWER_BYTES);
    return request;
}

static void refuse(struct admin_connection *connection, uint16_t status, struct span message)
{
    struct admin_request *request = connection->request;

    if (!request)
        request = connection->request = request_new(connection);
    connection->working = true;
    connection->keep_alive = false;
    request->status = status;
    (void)buffer_append(&request->answer, SPAN("{\"error\":{\"code\":\"bad_request\","
                                               "\"message\":\""));
    (void)buffer_append(&request->answer, message);
    (void)buffer_append(&request->answer, SPAN("\"}}"));
    admin_respond(request);
}

static void take_head(struct admin_connection *connection, const struct http_head *head)
{
    struct admin_request *request = request_new(connection);
    struct span target = arena_copy(&request->arena, head->target);
    struct span value = http_find(head, SPAN("authorization"));

    connection->request = request;
    connection->keep_alive = head->keep_alive;
    connection->head_only = head->method_id == HTTP_METHOD_HEAD;
    request->method = connection->head_only ? HTTP_METHOD_GET : head->method_id;
    request->query = target;
    (void)span_cut(&request->query, '?', &request->path);
    if (value.ptr)
        request->authorization = arena_copy(&request->arena, value);
    buffer_clear(&connection->body);
    connection->body.limit_bytes = admin_body_most(request);
}

static void take_whole(struct admin_connection *connection)
{
    struct admin_request *request = connection->request;

    request->body = arena_copy(&request->arena, buffer_span(&connection->body));
    memory_wipe(connection->body.ptr, connection->body.len);
    buffer_clear(&connection->body);
    connection->working = true;
    (void)uv_timer_stop(&connection->timer);
    admin_handle(request);
}

/* True while more input may be read. */
static bool take(struct admin_connection *connection, enum http_result result,
                 const struct http_head *head, struct span body)
{
    switch (result) {
    case HTTP_MORE: return false;
    case HTTP_HEAD: take_head(connection, head); return true;
    case HTTP_BODY:
        if (buffer_append(&connection->body, body))
            return true;
        refuse(connection, 413, SPAN("the body is too large (1 MiB; a price list 32 MiB)"));
        return false;
    case HTTP_DONE: take_whole(connection); return true;
    case HTTP_BAD: refuse(connection, 400, SPAN("not an HTTP request")); return false;
    case HTTP_HEAD_TOO_LARGE:
        refuse(connection, 431, SPAN("the head is too large"));
        return false;
    case HTTP_TARGET_TOO_LONG:
        refuse(connection, 414, SPAN("the target is too long"));
        return false;
    }
    return false;
}

/* Bytes that come while a request is worked on wait, up to one more body. */
static void feed(struct admin_connection *connection, struct span bytes)
{
    struct buffer before = connection->waiting;
    struct span rest;
    bool more = true;

    if (bytes.len && (connection->working || before.len)) {
        if (!buffer_append(&connection->waiting, bytes))
            connection_close(connection);
        before = connection->waiting;
    }
    if (connection->working || connection->closing)
        return;
    buffer_init(&connection->waiting, ADMIN_BODY_BYTES * 2);
    rest = before.len ? buffer_span(&before) : bytes;
    while (more && !connection->working && !connection->closing) {
        const struct http_head *head = NULL;
        struct span body = SPAN_NONE;
        enum http_result result;

        result = http_next(&connection->reader, &rest, &head, &body);
        /* The request may be answered, and what is left of it freed, inside of take: nothing of
         * it is used after. */
        more = take(connection, result, head, body);
    }
    if (rest.len && !connection->closing)
        (void)buffer_append(&connection->waiting, rest);
    buffer_done(&before);
}

/* ---- libuv ------------------------------------------------------------------------------- */

static void room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct admin_connection *connection = handle->data;

    (void)suggested;
    *ret = uv_buf_init(connection->server->read_buffer, READ_BYTES);
}

static void bytes_arrived(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct admin_connection *connection = stream->data;

    if (count > 0)
        feed(connection, span_of(buf->base, (size_t)count));
    else if (count < 0)
        connection_close(connection);
}

static bool peer_is_ours(union admin_handle *socket)
{
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t size = sizeof(peer);
    uv_os_fd_t fd;

    if (uv_fileno(&socket->handle, &fd) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return false;
    return peer.uid == 0 || peer.uid == geteuid();
}

static int handle_init(uv_loop_t *loop, union admin_handle *handle, bool unix_socket)
{
    return unix_socket ? uv_pipe_init(loop, &handle->pipe, 0) : uv_tcp_init(loop, &handle->tcp);
}

static void client_arrived(uv_stream_t *stream, int status)
{
    struct admin_listener *listener = stream->data;
    struct admin_server *server = listener->server;
    struct admin_connection *connection;

    if (status < 0)
        return;
    connection = MEMORY_NEW(struct admin_connection);
    server->connection_count++;
    connection->server = server;
    connection->unix_socket = listener->unix_socket;
    connection->open_handles = 2;
    buffer_init(&connection->waiting, ADMIN_BODY_BYTES * 2);
    buffer_init(&connection->body, ADMIN_BODY_BYTES);
    buffer_init(&connection->head, 4096);
    http_reader_init(&connection->reader, HTTP_REQUESTS, &server->limits, &server->scratch);
    CHECK(handle_init(server->house->loop, &connection->socket, listener->unix_socket) == 0);
    CHECK(uv_timer_init(server->house->loop, &connection->timer) == 0);
    connection->socket.handle.data = connection;
    connection->timer.data = connection;
    connection->write.data = connection;
    if (uv_accept(stream, &connection->socket.stream) < 0 ||
        server->connection_count > ADMIN_CONNECTIONS ||
        uv_read_start(&connection->socket.stream, room_wanted, bytes_arrived) < 0 ||
        uv_timer_start(&connection->timer, time_over, REQUEST_MS, 0) < 0) {
        connection_close(connection);
        return;
    }
    connection->local = listener->unix_socket && peer_is_ours(&connection->socket);
}

static void listener_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

static void listener_close(struct admin_server *server, unsigned index)
{
    if (server->listeners[index])
        uv_close(&server->listeners[index]->socket.handle, listener_closed);
    server->listeners[index] = NULL;
}

struct admin_server *admin_new(struct house *house)
{
    struct admin_server *server = MEMORY_NEW(struct admin_server);

    server->house = house;
    server->limits = (struct http_limits){32768, 8192, 100};
    return server;
}

int admin_listen(struct admin_server *server, int fd, bool unix_socket)
{
    struct admin_listener *listener;
    unsigned place = unix_socket ? 1 : 0;
    int result;

    listener_close(server, place);
    listener = MEMORY_NEW(struct admin_listener);
    listener->server = server;
    listener->unix_socket = unix_socket;
    CHECK(handle_init(server->house->loop, &listener->socket, unix_socket) == 0);
    listener->socket.handle.data = listener;
    server->listeners[place] = listener;
    result = unix_socket ? uv_pipe_open(&listener->socket.pipe, fd)
                         : uv_tcp_open(&listener->socket.tcp, fd);
    if (result < 0)
        (void)close(fd);
    else
        result = uv_listen(&listener->socket.stream, BACKLOG, client_arrived);
    if (result < 0)
        listener_close(server, place);
    return result;
}
