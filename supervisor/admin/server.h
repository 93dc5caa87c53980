/* supervisor/admin/server.h
 *
 * The admin listener: HTTP/1.1 over libuv on the sockets that the parent hands over, one
 * request at a time per connection.  A request is read whole (1 MiB of body, more for a price
 * list), given to the routes, and its connection goes on when admin_respond was called.  Loop
 * thread only; at most ADMIN_CONNECTIONS at a time, each with 30 s for a request to arrive.
 */
#ifndef SUPERVISOR_ADMIN_SERVER_H
#define SUPERVISOR_ADMIN_SERVER_H

#include "shared/base/arena.h"
#include "shared/http/http_reader.h"

#include "supervisor/admin/house.h"

#define ADMIN_CONNECTIONS  128
#define ADMIN_BODY_BYTES   (1U << 20)
#define ADMIN_ANSWER_BYTES (64U << 20)
#define ADMIN_ARGUMENTS    2

struct admin_connection;
struct admin_route;

/* Lives from the end of its body until its answer is written, also when its peer left. */
struct admin_request {
    struct admin_connection *connection;
    struct house *house;
    const struct admin_route *route;
    struct arena arena;
    enum http_method method;
    struct span path, query, body, authorization;
    struct span arguments[ADMIN_ARGUMENTS]; /* decoded path segments */
    bool local;                             /* Unix socket, peer is our user or root */
    bool unix_socket;
    struct line_job job;
    struct house_wait wait;
    /* the answer */
    uint16_t status;
    const char *content_type, *extra_header; /* a whole line, or NULL */
    struct buffer answer;
};

struct admin_server;

/* HOUSE outlives it. */
struct admin_server *admin_new(struct house *house);
/* Serves the listening socket FD, which becomes the server's and takes the place of the one of
 * its kind before.  0 or a negative errno. */
int admin_listen(struct admin_server *server, int fd, bool unix_socket);
/* The request's answer is whole. */
void admin_respond(struct admin_request *request);

/* How many bytes the body of a request may have whose head has come (routes.c). */
size_t admin_body_most(const struct admin_request *request);
/* Called for each request (routes.c); answers by admin_respond, at once or later. */
void admin_handle(struct admin_request *request);

#endif
