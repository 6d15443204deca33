/*
 * An issue of Jira as the search gives it, and what becomes of it: the fields asked for, those that
 * are a site's own, and the table that maps them.
 */
#ifndef MSP_JIRA_ISSUE_H
#define MSP_JIRA_ISSUE_H

#include "sources/source_map.h"

#define MSP_JIRA_FIELD_BYTES 48 /* "customfield_10030" */

/* What is known of the site. Ids of custom fields are "" where it has none. */
struct msp_jira_fields {
    const char *first_response_sla, *resolution_sla; /* names of the SLAs */
    char first_response[MSP_JIRA_FIELD_BYTES];
    char resolution[MSP_JIRA_FIELD_BYTES];
    char satisfaction[MSP_JIRA_FIELD_BYTES];
    bool with_changelog;
};

/* Looks at one of the fields that the site has. */
void msp_jira_field_seen(struct msp_jira_fields *fields, const json_t *field);

/* The names of the fields to ask for: a new list, NULL without memory. */
json_t *msp_jira_fields_wanted(const struct msp_jira_fields *fields);

/* The map of issues that msp_jira_issue_shape has been at. */
extern const struct msp_source_map msp_jira_map;

/* Adds to the issue what is not written in it by itself. `map` is msp_jira_map with its settings.
 * MSP_NO_MEMORY only. */
enum msp_result msp_jira_issue_shape(const struct msp_jira_fields *fields,
                                     const struct msp_source_map *map, json_t *row,
                                     struct msp_error *error) MSP_MUST_CHECK;

#endif
