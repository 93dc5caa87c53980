/* supervisor/admin/routes.h
 *
 * The admin API: one table of routes (routes.def), and what the functions behind them share.
 * Errors are {"error":{"code","message"}}.
 */
#ifndef SUPERVISOR_ADMIN_ROUTES_H
#define SUPERVISOR_ADMIN_ROUTES_H

#include "shared/json_tree/json_tree.h"
#include "shared/text/json_write.h"

#include "supervisor/admin/server.h"

enum route_permission {
    PERMISSION_PUBLIC = 1,
    PERMISSION_ADMIN
};

enum route_mode {
    MODE_LOOP,
    MODE_LINE,
    MODE_CHANGE,
    MODE_LATER
};

typedef void admin_route_f(struct admin_request *request);

struct admin_route {
    enum http_method method;
    const char *pattern;
    enum route_permission permission;
    enum route_mode mode;
    admin_route_f *function;
};

extern const struct admin_route admin_routes[];
extern const unsigned admin_route_count;

/* The route of METHOD and PATH; NULL when there is none, with *RET_PATH_KNOWN. */
const struct admin_route *admin_find_route(enum http_method method, struct span path,
                                           struct span *ret_arguments, bool *ret_path_known);

/* Whether the caller may; the answer says why not. */
bool admin_permitted(struct admin_request *request, enum route_permission permission);
/* Fills the answer with an error. */
void admin_refuse(struct admin_request *request, uint16_t status, const char *code,
                  struct span message);
/* The same for what a call of the store, the keys or the vault returned. */
void admin_refuse_errno(struct admin_request *request, int error, struct span what);
/* A writer over the answer; the status is 200. */
struct json_writer admin_answer(struct admin_request *request);
/* The body as an object; NULL when it is none (the answer then says so).  cJSON_Delete. */
cJSON *admin_body(struct admin_request *request);
/* Value of NAME=... in the query as a number, or PRESET. */
uint64_t admin_query_number(const struct admin_request *request, struct span name,
                            uint64_t preset);
/* The value of NAME=... as it stands in the query; ptr NULL: there is none. */
struct span admin_query_text(const struct admin_request *request, struct span name);
/* Cuts the next NAME=VALUE off REST, decoded into the arena. 1, 0 at the end, -EINVAL for a
 * broken escape. */
int admin_query_next(struct admin_request *request, struct span *rest, struct span *ret_name,
                     struct span *ret_value);
/* Runs FUNCTION on the line, then publishes when it succeeded, then sends. */
void admin_change(struct admin_request *request, admin_route_f *function);
/* TEXT as a JSON array of texts (keys and accounts keep lists so); null when not there. */
void admin_write_list(struct json_writer *writer, struct span key, struct span json);
/* The member LIST of BODY, an array of non-empty texts, as JSON text in the arena; not there
 * when absent or null.  False when it is something else. */
bool admin_read_list(struct admin_request *request, const cJSON *body, const char *name,
                     struct span *ret);

/* Listed models of which a target has no price. */
uint32_t admin_models_without_price(const struct snapshot *snapshot);

#define ROUTE(method, pattern, permission, mode, function) admin_route_f function;
#include "supervisor/admin/routes.def"
#undef ROUTE

#endif
