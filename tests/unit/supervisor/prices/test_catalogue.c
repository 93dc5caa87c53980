#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "supervisor/prices/price_table.h"

static struct buffer errors;

/* ---- the one in the binary ----------------------------------------------------------------
 */

static const struct {
    uint32_t quirk, taken; /* what a provider of this quirk cannot be given */
} quirks[] = {
    {QUIRK_NO_IMAGES, CAPABILITY_vision},
    {QUIRK_NO_TOOLS, CAPABILITY_tools},
    {QUIRK_JSON_OBJECT_ONLY, CAPABILITY_json_schema},
};

static void model_holds_together(const struct catalogue *catalogue,
                                 const struct catalogue_model *model)
{
    bool embeds = model->capabilities & CAPABILITY_embeddings;

    for (unsigned i = 0; i < ARRAY_LEN(quirks); i++)
        ck_assert_msg(!(model->kind->quirks & quirks[i].quirk) ||
                          !(model->capabilities & quirks[i].taken),
                      "%.*s/%.*s can do what its quirk forbids", SPAN_ARG(model->kind->name),
                      SPAN_ARG(model->name));
    ck_assert_msg(!embeds || model->capabilities == CAPABILITY_embeddings,
                  "%.*s chats and embeds", SPAN_ARG(model->name));
    ck_assert_msg(model->output == 0 || model->output < model->context,
                  "%.*s answers with more than it holds", SPAN_ARG(model->name));
    ck_assert_ptr_eq(catalogue_find(catalogue, model->kind, model->name), model);
    for (uint32_t i = 0; i < model->alias_count; i++)
        ck_assert_ptr_eq(catalogue_find(catalogue, model->kind, model->aliases[i]), model);
}

/* What is sold by the token has a price for what it says; only vectors say nothing. */
static void price_holds_together(const struct catalogue_model *model)
{
    const struct price_sheet *sheet = model->price.rows;
    bool embeds = model->capabilities & CAPABILITY_embeddings;

    for (uint32_t i = 0; i < model->price.count; i++) {
        ck_assert_msg(embeds || sheet[i].rates[PRICE_output] != PRICE_NOT_GIVEN,
                      "%.*s: no rate for output", SPAN_ARG(model->name));
        ck_assert_msg(sheet[i].rates[PRICE_cache_read] == PRICE_NOT_GIVEN ||
                          sheet[i].rates[PRICE_cache_read] <= sheet[i].rates[PRICE_input],
                      "%.*s: what is cached is dearer than what is not", SPAN_ARG(model->name));
        ck_assert_msg(sheet[i].above_input == 0 || model->context == 0 ||
                          sheet[i].above_input < model->context,
                      "%.*s: a tier that no prompt reaches", SPAN_ARG(model->name));
    }
}

START_TEST(models_of_the_catalogue_hold_together)
{
    const struct catalogue *catalogue = catalogue_built_in();
    unsigned priced = 0;

    for (uint32_t i = 0; i < catalogue->count; i++) {
        model_holds_together(catalogue, &catalogue->models[i]);
        price_holds_together(&catalogue->models[i]);
        priced += catalogue->models[i].price.count > 0;
    }
    ck_assert_uint_ge(priced, 150);
}

END_TEST

START_TEST(a_kind_offers_its_listed_models_in_their_order)
{
    const struct catalogue *catalogue = catalogue_built_in();
    const struct provider_kind *kind;
    const struct catalogue_model *model;
    uint32_t listed = 0, found = 0;

    for (uint32_t i = 0; i < catalogue->count; i++)
        listed += !catalogue->models[i].unlisted;
    ck_assert_uint_lt(listed, catalogue->count);
    for (unsigned i = 0; (kind = provider_kind_at(i)) != NULL; i++) {
        for (unsigned j = 0; (model = catalogue_model_at(catalogue, kind, j)) != NULL; j++) {
            ck_assert_ptr_eq(model->kind, kind);
            ck_assert(!model->unlisted);
            found++;
        }
    }
    ck_assert_uint_eq(found, listed);
}

END_TEST

/* ---- others -------------------------------------------------------------------------------
 */

#define MODEL(members) "{\"version\": \"1\", \"models\": [{\"kind\": \"mock\", " members "}]}"
#define PRICED(members) \
    MODEL(              \
        "\"name\": \"m\", \"source\": \"https://example.com\", \"date\": \"2026-01-01\", " members)

static const struct {
    const char *text, *error;
} broken[] = {
    {"", "byte 0: unexpected end"},
    {"[]", "it is no object"},
    {"{}", "it has no version or no models"},
    {"{\"models\": []}", "it has no version or no models"},
    {"{\"version\": 1, \"models\": []}", "version: it is no text"},
    {"{\"version\": \"1\", \"models\": {}}", "models: it is no list"},
    {"{\"version\": \"1\", \"models\": [], \"more\": 1}", "more: there is no such member"},
    {"{\"version\": \"1\", \"models\": [7]}", "models[0]: it is no object"},
    {MODEL("\"name\": \"\""), "models[0].name: it is empty"},
    {MODEL("\"context\": 1"), "models[0]: it has no kind or no name"},
    {MODEL("\"kind\": \"mock\""), "models[0].kind: it stands twice"},
    {"{\"version\": \"1\", \"models\": [{\"kind\": \"nobody\", \"name\": \"m\"}]}",
     "models[0].kind: there is no such kind of provider"},
    {MODEL("\"name\": \"m\", \"color\": 1"), "models[0].color: there is no such member"},
    {MODEL("\"name\": \"m\", \"context\": 0"),
     "models[0].context: it is 0: leave out what is not known"},
    {MODEL("\"name\": \"m\", \"context\": -1"), "models[0].context: it is no whole number"},
    {MODEL("\"name\": \"m\", \"context\": 1.5"), "models[0].context: it is no whole number"},
    {MODEL("\"name\": \"m\", \"output\": 99999999999"), "models[0].output: it is too large"},
    {MODEL("\"name\": \"m\", \"listed\": 1"), "models[0].listed: it is neither true nor false"},
    {MODEL("\"name\": \"m\", \"capabilities\": [\"tools\", \"dance\"]"),
     "models[0].capabilities[1]: there is no such capability"},
    {MODEL("\"name\": \"m\", \"capabilities\": [\"tools\", \"tools\"]"),
     "models[0].capabilities[1]: it stands twice"},
    {MODEL("\"name\": \"m\", \"aliases\": [\"m\"]"),
     "models[0]: its name or alias is another model's too"},
    {"{\"version\": \"1\", \"models\": [{\"kind\": \"mock\", \"name\": \"m\"}, "
     "{\"kind\": \"mock\", \"name\": \"m\"}]}",
     "models[1]: its name or alias is another model's too"},
    {MODEL("\"name\": \"m\", \"rates\": {\"input\": 1}"),
     "models[0]: its rates have no source or no date"},
    {MODEL("\"name\": \"m\", \"tiers\": []"),
     "models[0]: it has tiers or later prices but no rates"},
    {PRICED("\"rates\": {\"input\": 1}, \"later\": {}"), "models[0].later: it is no list"},
    {PRICED("\"rates\": {\"input\": 1}, \"later\": [{\"rates\": {\"input\": 1}}]"),
     "models[0].later[0]: it is not after the price before"},
    {PRICED("\"rates\": {\"input\": 1}, \"later\": [{\"from\": \"soon\"}]"),
     "models[0].later[0].from: it is no date like 2026-12-01"},
    {PRICED("\"rates\": {\"input\": 1}, \"later\": [{\"from\": \"2026-12-01\"}]"),
     "models[0].later[0]: it has no rates"},
    {PRICED("\"rates\": {\"input\": 1}, \"later\": [{\"from\": \"2026-12-01\", \"rates\": "
            "{\"input\": -2}}]"),
     "models[0].later[0].rates.input: it is negative"},
    {PRICED("\"rates\": {\"input\": 1}, \"later\": [{\"from\": \"2026-12-02\", \"rates\": "
            "{\"input\": 2}}, {\"from\": \"2026-12-01\", \"rates\": {\"input\": 3}}]"),
     "models[0].later[1]: it is not after the price before"},
    {PRICED("\"rates\": {}"), "models[0].rates: there is no rate for input"},
    {PRICED("\"rates\": {\"output\": 1}"), "models[0].rates: there is no rate for input"},
    {PRICED("\"rates\": {\"input\": -0.5}"), "models[0].rates.input: it is negative"},
    {PRICED("\"rates\": {\"input\": \"1\"}"), "models[0].rates.input: it is no number"},
    {PRICED("\"rates\": {\"input\": 10000.1}"),
     "models[0].rates.input: it is more than $10,000"},
    {PRICED("\"rates\": {\"input\": 1e300}"), "models[0].rates.input: it is more than $10,000"},
    {PRICED("\"rates\": {\"input\": 1, \"lunch\": 2}"),
     "models[0].rates.lunch: there is no such rate"},
    {PRICED("\"rates\": {\"input\": 1, \"input\": 2}"),
     "models[0].rates.input: it stands twice"},
    {PRICED("\"rates\": {\"input\": 1}, \"tiers\": [{\"service\": \"slow\"}]"),
     "models[0].tiers[0].service: there is no such service"},
    {PRICED("\"rates\": {\"input\": 1}, \"tiers\": [{\"service\": \"batch\"}]"),
     "models[0].tiers[0]: it has no rate"},
    {PRICED("\"rates\": {\"input\": 1}, \"tiers\": [{\"rates\": {\"input\": 2}}]"),
     "models[0].tiers[0]: it stands twice"},
    {PRICED("\"rates\": {\"input\": 1}, \"tiers\": [{\"above_input\": 200, \"rates\": "
            "{\"input\": 2}}, {\"above_input\": 100, \"rates\": {\"input\": 3}}]"),
     "models[0].tiers[1]: it stands after one with a larger bound"},
    {PRICED("\"rates\": {\"input\": 1}, \"tiers\": [{\"above_input\": -2}]"),
     "models[0].tiers[0].above_input: it is no whole number"},
};

START_TEST(a_broken_catalogue_is_refused_with_the_path)
{
    buffer_clear(&errors);
    ck_assert_ptr_null(catalogue_parse(span_of_text(broken[_i].text), &errors));
    ck_assert_msg(span_eq(buffer_span(&errors), span_of_text(broken[_i].error)), "%s: \"%.*s\"",
                  broken[_i].text, SPAN_ARG(buffer_span(&errors)));
}

END_TEST

START_TEST(too_many_tiers_are_refused)
{
    struct buffer text _buffer_;

    buffer_init(&text, 65536);
    (void)buffer_append(&text, SPAN("{\"version\": \"1\", \"models\": [{\"kind\": \"mock\", "
                                    "\"name\": \"m\", \"source\": \"s\", \"date\": \"d\", "
                                    "\"rates\": {\"input\": 1}, \"tiers\": ["));
    for (unsigned i = 1; i <= PRICE_SHEETS_MAX; i++)
        (void)buffer_append_format(&text, "%s{\"above_input\": %u, \"rates\": {\"input\": 1}}",
                                   i > 1 ? ", " : "", i);
    (void)buffer_append(&text, SPAN("]}]}"));
    buffer_clear(&errors);
    ck_assert_ptr_null(catalogue_parse(buffer_span(&text), &errors));
    ck_assert(
        span_eq(buffer_span(&errors), SPAN("models[0].tiers[15]: there are too many tiers")));
}

END_TEST

START_TEST(a_good_one_is_read_as_written)
{
    struct catalogue *catalogue = catalogue_parse(
        SPAN("{\"version\": \"v\", \"models\": [{\"kind\": \"mock\", \"name\": \"m\", "
             "\"aliases\": [\"m-latest\", \"m-2026\"], \"listed\": false, \"context\": 100, "
             "\"output\": 50, \"capabilities\": [\"tools\", \"audio\"], \"rates\": "
             "{\"input\": 1.25, \"output\": 10, \"cache_read\": 0.125}, \"tiers\": "
             "[{\"service\": \"batch\", \"rates\": {\"input\": 0.625}}, "
             "{\"above_input\": 60, \"rates\": {\"output\": 20}}], "
             "\"source\": \"s\", \"date\": \"d\"}]}"),
        &errors);
    const struct provider_kind *mock = provider_kind_find(SPAN("mock"));
    const struct catalogue_model *model;

    ck_assert_ptr_nonnull(catalogue);
    model = catalogue_find(catalogue, mock, SPAN("m-2026"));
    ck_assert_ptr_eq(model, &catalogue->models[0]);
    ck_assert_ptr_null(catalogue_find(catalogue, mock, SPAN("m-2027")));
    ck_assert_ptr_null(catalogue_find(catalogue, provider_kind_at(0), SPAN("m")));
    ck_assert_ptr_null(catalogue_model_at(catalogue, mock, 0));
    ck_assert_uint_eq(model->capabilities, CAPABILITY_tools | CAPABILITY_audio);
    ck_assert_uint_eq(model->price.count, 3);
    ck_assert_uint_eq(model->price.rows[0].rates[PRICE_input], 1250000000);
    ck_assert_uint_eq(model->price.rows[1].service, PRICE_SERVICE_batch);
    ck_assert_uint_eq(model->price.rows[1].rates[PRICE_input], 625000000);
    /* What a tier leaves out is as in the first rates. */
    ck_assert_uint_eq(model->price.rows[1].rates[PRICE_output], 10000000000);
    ck_assert_uint_eq(model->price.rows[2].above_input, 60);
    ck_assert_uint_eq(model->price.rows[2].rates[PRICE_cache_read], 125000000);
    catalogue_free(catalogue);
}

END_TEST

START_TEST(announced_prices_come_into_force_at_their_time)
{
    struct catalogue *catalogue = catalogue_parse(
        SPAN(PRICED("\"rates\": {\"input\": 1}, \"later\": [{\"from\": \"2026-12-01\", "
                    "\"rates\": {\"input\": 2}}, {\"from\": \"2027-01-01\", \"rates\": "
                    "{\"input\": 4}, \"tiers\": [{\"service\": \"batch\", \"rates\": "
                    "{\"input\": 3}}]}]")),
        &errors);
    const struct provider_kind *mock = provider_kind_find(SPAN("mock"));
    const int64_t december_ms = 1796083200000, january_ms = 1798761600000;
    struct price_table table;
    struct price_row row;

    ck_assert_ptr_nonnull(catalogue);
    price_table_init(&table, catalogue);
    price_table_sort(&table);
    ck_assert(price_table_find(&table, SPAN("x"), mock, SPAN("m"), december_ms - 1, &row));
    ck_assert_uint_eq(row.price.rows[0].rates[PRICE_input], 1000000000);
    ck_assert_int_eq(price_table_next(&table, december_ms - 1), december_ms);
    ck_assert(price_table_find(&table, SPAN("x"), mock, SPAN("m"), december_ms, &row));
    ck_assert_uint_eq(row.price.rows[0].rates[PRICE_input], 2000000000);
    ck_assert_int_eq(row.from_ms, december_ms);
    ck_assert_int_eq(price_table_next(&table, december_ms), january_ms);
    ck_assert(price_table_find(&table, SPAN("x"), mock, SPAN("m"), INT64_MAX, &row));
    ck_assert_uint_eq(row.price.count, 2);
    ck_assert_int_eq(price_table_next(&table, january_ms), INT64_MAX);
    price_table_done(&table);
    catalogue_free(catalogue);
}

END_TEST

START_TEST(a_file_that_is_not_there_is_told)
{
    buffer_clear(&errors);
    ck_assert_ptr_null(catalogue_read("/nowhere/models.json", &errors));
    ck_assert(span_starts(buffer_span(&errors), SPAN("/nowhere/models.json: ")));
    ck_assert_ptr_null(catalogue_read("/dev/null", &errors));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("catalogue");
    TCase *tests = tcase_create("catalogue");
    SRunner *runner;
    int failed;

    buffer_init(&errors, 65536);
    tcase_add_test(tests, models_of_the_catalogue_hold_together);
    tcase_add_test(tests, a_kind_offers_its_listed_models_in_their_order);
    tcase_add_loop_test(tests, a_broken_catalogue_is_refused_with_the_path, 0,
                        (int)ARRAY_LEN(broken));
    tcase_add_test(tests, too_many_tiers_are_refused);
    tcase_add_test(tests, a_good_one_is_read_as_written);
    tcase_add_test(tests, announced_prices_come_into_force_at_their_time);
    tcase_add_test(tests, a_file_that_is_not_there_is_told);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    buffer_done(&errors);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
