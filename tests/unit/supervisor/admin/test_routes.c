#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "supervisor/admin/routes.h"

struct route_case {
    enum http_method method;
    struct span path;
    admin_route_f *function; /* NULL: none */
    bool path_known;
    struct span argument;
};

static const struct route_case cases[] = {
    {HTTP_METHOD_GET, SPAN("/metrics"), route_metrics, true, SPAN_NONE},
    {HTTP_METHOD_GET, SPAN("/admin/v1/keys"), route_keys_list, true, SPAN_NONE},
    {HTTP_METHOD_POST, SPAN("/admin/v1/keys"), route_keys_create, true, SPAN_NONE},
    {HTTP_METHOD_GET, SPAN("/admin/v1/keys/abc"), route_keys_get, true, SPAN("abc")},
    {HTTP_METHOD_PATCH, SPAN("/admin/v1/keys/abc"), route_keys_edit, true, SPAN("abc")},
    {HTTP_METHOD_POST, SPAN("/admin/v1/keys/abc/rotate"), route_keys_rotate, true, SPAN("abc")},
    {HTTP_METHOD_DELETE, SPAN("/admin/v1/providers/p"), route_providers_remove, true,
     SPAN("p")},
    {HTTP_METHOD_DELETE, SPAN("/admin/v1/keys"), NULL, true, SPAN_NONE},
    {HTTP_METHOD_GET, SPAN("/admin/v1/keys/"), NULL, false, SPAN_NONE},
    {HTTP_METHOD_GET, SPAN("/admin/v1/keys/a/b"), NULL, false, SPAN_NONE},
    {HTTP_METHOD_GET, SPAN("/admin/v1"), NULL, false, SPAN_NONE},
    {HTTP_METHOD_GET, SPAN("//metrics"), NULL, false, SPAN_NONE},
    {HTTP_METHOD_GET, SPAN(""), NULL, false, SPAN_NONE},
};

START_TEST(a_path_leads_to_its_function)
{
    const struct route_case *at = &cases[_i];
    struct span arguments[ADMIN_ARGUMENTS] = {0};
    bool known;
    const struct admin_route *route = admin_find_route(at->method, at->path, arguments, &known);

    ck_assert(known == at->path_known);
    ck_assert((route ? route->function : NULL) == at->function);
    if (at->argument.ptr)
        ck_assert(span_eq(arguments[0], at->argument));
}

END_TEST

START_TEST(what_needs_no_permission_is_three_pages)
{
    unsigned open_count = 0;

    for (unsigned i = 0; i < admin_route_count; i++) {
        const struct admin_route *route = &admin_routes[i];
        bool api = span_starts(span_of_text(route->pattern), SPAN("/admin/v1/"));

        ck_assert(route->permission == (api ? PERMISSION_ADMIN : PERMISSION_PUBLIC));
        open_count += !api;
    }
    ck_assert_uint_eq(open_count, 3);
}

END_TEST

/* What a caller may do, by where it came from and what it showed. */
struct access_case {
    bool unix_socket, local;
    const char *authorization;
    uint16_t status;
};

static const struct access_case accesses[] = {
    {true, true, NULL, 0},
    {true, false, NULL, 403},
    {true, false, "Bearer secret", 403},
    {false, false, NULL, 401},
    {false, false, "Bearer wrong!", 401},
    {false, false, "Bearer secre", 401},
    {false, false, "Bearer", 401},
    {false, false, "Bearer ", 401},
    {false, false, "Basic secret", 401},
    {false, false, "Bearer secret", 0},
    {false, false, "bearer  secret ", 0},
};

START_TEST(the_admin_api_is_for_those_who_may)
{
    const struct access_case *at = &accesses[_i];
    struct house house = {.admin_token = SPAN("secret")};
    struct admin_request request = {.house = &house,
                                    .unix_socket = at->unix_socket,
                                    .local = at->local,
                                    .authorization = span_of_text(at->authorization)};

    buffer_init(&request.answer, 4096);
    ck_assert(admin_permitted(&request, PERMISSION_ADMIN) == (at->status == 0));
    ck_assert_uint_eq(request.status, at->status);
    ck_assert(admin_permitted(&request, PERMISSION_PUBLIC));
    buffer_done(&request.answer);
}

END_TEST

START_TEST(without_a_token_nobody_comes_in_over_tcp)
{
    struct house house = {0};
    struct admin_request request = {.house = &house, .authorization = SPAN("Bearer ")};

    buffer_init(&request.answer, 4096);
    ck_assert(!admin_permitted(&request, PERMISSION_ADMIN));
    buffer_done(&request.answer);
}

END_TEST

START_TEST(an_error_is_one_json_object)
{
    struct admin_request request = {0};

    buffer_init(&request.answer, 4096);
    admin_refuse(&request, 404, "not_found", SPAN("no \"x\""));
    ck_assert_uint_eq(request.status, 404);
    ck_assert(
        span_eq(buffer_span(&request.answer),
                SPAN("{\"error\":{\"code\":\"not_found\",\"message\":\"no \\\"x\\\"\"}}")));
    buffer_done(&request.answer);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("routes");
    TCase *table = tcase_create("table");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_loop_test(table, a_path_leads_to_its_function, 0, ARRAY_LEN(cases));
    tcase_add_test(table, what_needs_no_permission_is_three_pages);
    tcase_add_loop_test(table, the_admin_api_is_for_those_who_may, 0, ARRAY_LEN(accesses));
    tcase_add_test(table, without_a_token_nobody_comes_in_over_tcp);
    tcase_add_test(table, an_error_is_one_json_object);
    suite_add_tcase(suite, table);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
