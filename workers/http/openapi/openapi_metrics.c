/* The schemas of metrics, out of the table that writes them. */
#include "openapi_parts.h"

#include "../kpi_answer.h"

#include <string.h>

/* Stored metrics are counts and sums, whole numbers; the others are read from them. */
static const char *type_of(const struct msp_kpi_metric *metric)
{
    return metric->kind == MSP_KPI_STORED ? "integer" : "number";
}

static json_t *schema_of_value(const struct msp_kpi_metric *metric)
{
    return json_pack("{s:[s, s], s:i, s:s}", "type", type_of(metric), "null", "minimum", 0,
                     "description", metric->definition);
}

static json_t *schema_of_change(const struct msp_kpi_metric *metric)
{
    return json_pack("{s:[s, s]}", "type", type_of(metric), "null");
}

/* One schema a metric, so that each definition stands in the document once. */
static int add_value_schemas(json_t *schemas)
{
    int failed = 0;
    for (size_t i = 0; i < msp_kpi_metric_count && failed == 0; i++)
        failed = json_object_set_new(schemas, msp_kpi_metrics[i].name,
                                     schema_of_value(&msp_kpi_metrics[i]));
    return failed;
}

static int add_name_schema(json_t *schemas)
{
    json_t *names = json_array();
    int failed = 0;
    for (size_t i = 0; i < msp_kpi_metric_count && failed == 0; i++)
        failed = json_array_append_new(names, json_string(msp_kpi_metrics[i].name));
    return failed | json_object_set_new(schemas, "MetricName", json_pack("{s:o}", "enum", names));
}

static int add_properties(json_t *schema, bool changes)
{
    json_t *properties = json_object_get(schema, "properties");
    json_t *required = json_object_get(schema, "required");
    int failed = 0;
    for (size_t i = 0; i < msp_kpi_metric_count && failed == 0; i++) {
        const struct msp_kpi_metric *metric = &msp_kpi_metrics[i];
        json_t *property =
            changes ? schema_of_change(metric) : msp_openapi_reference("schemas", metric->name);
        failed = json_object_set_new(properties, metric->name, property);
        if (failed == 0)
            failed = json_array_append_new(required, json_string(metric->name));
    }
    return failed;
}

int msp_openapi_add_metrics(json_t *schemas)
{
    const char *name;
    json_t *schema;
    int failed = 0;
    json_object_foreach(schemas, name, schema)
    {
        const char *form = json_string_value(json_object_get(schema, "x-metrics"));
        if (form == NULL || failed != 0)
            continue;
        failed = add_properties(schema, strcmp(form, "changes") == 0);
        (void)json_object_del(schema, "x-metrics"); /* `form` goes with it */
    }
    if (failed == 0)
        failed = add_name_schema(schemas);
    return failed == 0 ? add_value_schemas(schemas) : failed;
}
