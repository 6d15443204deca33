/* The kinds of ticket systems and their options, as rows. Calls none of them. */
#include "msp/source_kinds.h"

#include <stddef.h>
#include <string.h>

#define TEXT(name, fallback, help)                                                                 \
    {                                                                                              \
        name, MSP_SOURCE_TEXT, false, false, fallback, help                                        \
    }
#define NUMBER(name, fallback, help)                                                               \
    {                                                                                              \
        name, MSP_SOURCE_NUMBER, false, false, fallback, help                                      \
    }
#define REQUIRED(name, help)                                                                       \
    {                                                                                              \
        name, MSP_SOURCE_TEXT, true, false, NULL, help                                             \
    }
#define ADDRESS(help)                                                                              \
    {                                                                                              \
        "url", MSP_SOURCE_URL, true, false, NULL, help                                             \
    }
#define ADDRESS_IF(fallback, help)                                                                 \
    {                                                                                              \
        "url", MSP_SOURCE_URL, false, false, fallback, help                                        \
    }
#define SECRET(name, help)                                                                         \
    {                                                                                              \
        name, MSP_SOURCE_TEXT, true, true, NULL, help                                              \
    }
#define SECRET_IF(name, help)                                                                      \
    {                                                                                              \
        name, MSP_SOURCE_TEXT, false, true, NULL, help                                             \
    }
#define OBJECT(name, help)                                                                         \
    {                                                                                              \
        name, MSP_SOURCE_OBJECT, true, false, NULL, help                                           \
    }
#define WORDS(name, fallback, help)                                                                \
    {                                                                                              \
        name, MSP_SOURCE_WORDS, false, false, fallback, help                                       \
    }
#define NO_MORE                                                                                    \
    {                                                                                              \
        NULL, MSP_SOURCE_TEXT, false, false, NULL, NULL                                            \
    }

const struct msp_source_option msp_source_common_options[] = {
    WORDS(
        "status_map", "the source's usual words",
        "their status words and ours: {\"Waiting on customer\": \"pending\"}; ours are new, open, "
        "pending, resolved, closed"),
    WORDS("priority_map", "the source's usual words",
          "their priority words and ours: {\"P1\": \"critical\"}; ours are critical, high, medium, "
          "low, none"),
    NUMBER("overlap_seconds", "300",
           "how far before the last change read a pull begins again, so that late changes are not "
           "missed"),
    NUMBER("requests_per_minute", "60",
           "calls a minute at most, spread evenly; fewer where the source's own limit is tighter"),
    NO_MORE,
};

static const struct msp_source_option mock_options[] = {NO_MORE};

static const struct msp_source_option json_options[] = {
    ADDRESS("where the programming interface begins: https://desk.example.com/api"),
    REQUIRED("list", "path, and query if need be, of the list of tickets below url: "
                     "/tickets?sort=updated_at"),
    OBJECT("fields", "members of our ticket and where they lie in a row: {\"external_id\": \"id\", "
                     "\"created_at\": \"created\", \"status\": \"state.name\"}"),
    TEXT("rows", "the answer itself", "path to the list of rows in an answer: data.tickets"),
    TEXT("paging", "since",
         "how the rows behind a page are found: since, number, next, link or none"),
    TEXT("since", NULL, "query parameter that takes the time since when changes are wanted"),
    TEXT("since_form", "utc", "how that time is written: utc, local, unix"),
    TEXT("page", NULL, "query parameter that takes the page's number, from 1 on"),
    TEXT("size", NULL, "query parameter that takes how many rows a page may have"),
    NUMBER("page_size", "100", "how many rows are asked for with size"),
    TEXT("next", NULL, "path to the next page's address or token in an answer: meta.next"),
    TEXT("token", NULL, "query parameter that takes that token; without it, next is an address"),
    TEXT("times", "utc", "how times without an offset are meant: utc, local, unix"),
    TEXT("timezone", "the tenant's", "IANA name of the zone that local times are of"),
    NUMBER("delay_seconds", "0", "how long the system may hold a change back from its list"),
    TEXT("ids", NULL,
         "path of a list of all tickets, read each night to find those deleted; without it none is "
         "taken for deleted"),
    TEXT("user", NULL, "user name, with a password (HTTP Basic)"),
    SECRET_IF("password", "password of the user"),
    SECRET_IF("token_bearer", "token for \"Authorization: Bearer\""),
    SECRET_IF("header", "any other credential, as a whole field: \"X-Api-Key: abc\""),
    NO_MORE,
};

static const struct msp_source_option connectwise_options[] = {
    ADDRESS("address of the system: https://api-eu.myconnectwise.net, or that of an own server"),
    REQUIRED("company", "company id, as typed when signing in"),
    REQUIRED("public_key", "public key of an API member (System, Members, API Members, API Keys)"),
    SECRET("private_key", "private key shown once when the public one was made"),
    REQUIRED("client_id", "client id of developer.connectwise.com, which every call carries"),
    TEXT("conditions", NULL, "further conditions on tickets: board/name=\"Help Desk\""),
    NO_MORE,
};

static const struct msp_source_option autotask_options[] = {
    ADDRESS_IF("found by the user's zone",
               "address of the zone: https://webservices16.autotask.net"),
    REQUIRED("user", "user name (key) of an API user (Resources, API User)"),
    SECRET("secret", "that user's secret"),
    SECRET("integration_code", "tracking identifier of the API user's integration"),
    TEXT("updated_field", "lastActivityDate",
         "field that says when a ticket changed: lastActivityDate or "
         "lastTrackedModificationDateTime"),
    NO_MORE,
};

static const struct msp_source_option halopsa_options[] = {
    ADDRESS("address of the system: https://acme.halopsa.com"),
    REQUIRED("client_id", "client id of an application with client credentials (Configuration, "
                          "Integrations, HaloPSA API)"),
    SECRET("client_secret", "that application's secret"),
    TEXT("tenant", NULL, "tenant name, which hosted systems ask for"),
    TEXT("scope", "read:tickets", "what the application was allowed: read:tickets or all"),
    TEXT("timezone", "UTC", "IANA name of the zone that times without an offset are of"),
    NO_MORE,
};

static const struct msp_source_option zendesk_options[] = {
    ADDRESS("address of the account: https://acme.zendesk.com"),
    TEXT("email", NULL, "address of the agent whose API token it is"),
    SECRET_IF("api_token", "API token (Admin Center, Apps and integrations, Zendesk API)"),
    SECRET_IF("oauth_token", "OAuth access token with scope read, instead of email and api_token"),
    NO_MORE,
};

static const struct msp_source_option freshservice_options[] = {
    ADDRESS("address of the account: https://acme.freshservice.com"),
    SECRET("api_key", "API key of an agent who sees all tickets (Profile settings)"),
    NUMBER("workspace_id", "0", "only tickets of this workspace; 0 is all of them"),
    NO_MORE,
};

static const struct msp_source_option jira_options[] = {
    ADDRESS("address of the site: https://acme.atlassian.net"),
    REQUIRED("email", "address of the account whose API token it is"),
    SECRET("api_token", "API token (id.atlassian.com, Security, API tokens)"),
    REQUIRED("project", "keys of the service projects, separated by commas: IT,HR"),
    TEXT("timezone", "asked of the site",
         "IANA name of the account's zone, in which the site reads times"),
    TEXT("first_response_sla", "Time to first response",
         "name of the SLA whose first cycle ends with the first answer"),
    TEXT("resolution_sla", "Time to resolution", "name of the SLA that says when a ticket is due"),
    NUMBER("changelog", "0",
           "1: ask for the history of issues too, to count reopenings and reassignments; pages "
           "become slower"),
    NO_MORE,
};

static const struct msp_source_option zammad_options[] = {
    ADDRESS("address of the system: https://desk.example.com"),
    SECRET("token", "access token with ticket.agent (Profile, Token Access)"),
    NO_MORE,
};

static const struct msp_source_option glpi_options[] = {
    ADDRESS("address of the system, without /apirest.php: https://glpi.example.com"),
    SECRET("user_token", "API token of a user who sees all tickets (Preferences, Remote access "
                         "keys)"),
    SECRET_IF("app_token", "token of the API client (Setup, General, API), where one is set"),
    TEXT("timezone", "the tenant's", "IANA name of the zone that the system shows times in"),
    NO_MORE,
};

static const struct msp_source_kind kinds[] = {
    {"mock", "Invented tickets of MOCK_DATA_PATH", mock_options},
    {"json", "Any list of tickets in JSON", json_options},
    {"connectwise", "ConnectWise PSA", connectwise_options},
    {"autotask", "Autotask PSA", autotask_options},
    {"halopsa", "HaloPSA", halopsa_options},
    {"zendesk", "Zendesk", zendesk_options},
    {"freshservice", "Freshservice", freshservice_options},
    {"jira", "Jira Service Management (Cloud)", jira_options},
    {"zammad", "Zammad", zammad_options},
    {"glpi", "GLPI", glpi_options},
};

const struct msp_source_kind *msp_source_kind_at(size_t index)
{
    return index < sizeof kinds / sizeof kinds[0] ? &kinds[index] : NULL;
}

const struct msp_source_kind *msp_source_kind_find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}
