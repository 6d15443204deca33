/* What the template writer says in English. */
#include "template_lines.h"

#include <stddef.h>

#define BEFORE " than in the previous period ({p})."
#define ALIKE  ", the same as in the previous period."

static const struct msp_template_metric metrics[] = {
    {"tickets_created", 1, "{c} {c?ticket was|tickets were} created.",
     "{c} {c?ticket was|tickets were} created, {r} more" BEFORE,
     "{c} {c?ticket was|tickets were} created, {r} fewer" BEFORE,
     "{c} {c?ticket was|tickets were} created" ALIKE,
     "There is no data on tickets created in this period."},
    {"tickets_resolved", 1, "{c} {c?ticket was|tickets were} resolved.",
     "{c} {c?ticket was|tickets were} resolved, {r} more" BEFORE,
     "{c} {c?ticket was|tickets were} resolved, {r} fewer" BEFORE,
     "{c} {c?ticket was|tickets were} resolved" ALIKE,
     "There is no data on tickets resolved in this period."},
    {"backlog", 1, "At the end of the period the backlog stood at {c} {c?ticket|tickets}.",
     "At the end of the period the backlog stood at {c} {c?ticket|tickets}, {r} more" BEFORE,
     "At the end of the period the backlog stood at {c} {c?ticket|tickets}, {r} fewer" BEFORE,
     "At the end of the period the backlog stood at {c} {c?ticket|tickets}" ALIKE,
     "There is no data on the backlog at the end of the period."},
    {"sla_compliance", 2, "SLA compliance was {c}.", "SLA compliance was {c}, {d} higher" BEFORE,
     "SLA compliance was {c}, {d} lower" BEFORE, "SLA compliance was {c}" ALIKE,
     "There is no data on SLA compliance in this period."},
    {"first_response_minutes_p50", 2, "The median time to first response was {c}.",
     "The median time to first response was {c}, {d} longer" BEFORE,
     "The median time to first response was {c}, {d} shorter" BEFORE,
     "The median time to first response was {c}" ALIKE,
     "There is no data on the time to first response in this period."},
    {"resolution_minutes_p50", 2, "The median resolution time was {c}.",
     "The median resolution time was {c}, {d} longer" BEFORE,
     "The median resolution time was {c}, {d} shorter" BEFORE,
     "The median resolution time was {c}" ALIKE,
     "There is no data on the resolution time in this period."},
    {"resolution_minutes_p90", 2, "The 90th percentile of the resolution time was {c}.",
     "The 90th percentile of the resolution time was {c}, {d} longer" BEFORE,
     "The 90th percentile of the resolution time was {c}, {d} shorter" BEFORE,
     "The 90th percentile of the resolution time was {c}" ALIKE, NULL},
    {"tickets_reopened", 2, "{c} resolved {c?ticket had|tickets had} been reopened.",
     "{c} resolved {c?ticket had|tickets had} been reopened, {r} more" BEFORE,
     "{c} resolved {c?ticket had|tickets had} been reopened, {r} fewer" BEFORE,
     "{c} resolved {c?ticket had|tickets had} been reopened" ALIKE, NULL},
    {"csat_mean", 2, "The average satisfaction score was {c} out of 5.",
     "The average satisfaction score was {c} out of 5, {d} higher" BEFORE,
     "The average satisfaction score was {c} out of 5, {d} lower" BEFORE,
     "The average satisfaction score was {c} out of 5" ALIKE,
     "There is no data on satisfaction in this period."},
    {.metric = NULL},
};

static const struct msp_template_dimension dimensions[] = {
    {"priority", "{m} priority: {c} {c?ticket|tickets} created, {s} of the total.",
     "Without a priority: {c} {c?ticket|tickets} created, {s} of the total."},
    {"category", "Category “{m}”: {c} {c?ticket|tickets} created, {s} of the total.",
     "Without a category: {c} {c?ticket|tickets} created, {s} of the total."},
    {"group", "Group “{m}”: {c} {c?ticket|tickets} created, {s} of the total.",
     "Without a group: {c} {c?ticket|tickets} created, {s} of the total."},
    {.dimension = NULL},
};

const struct msp_template_words msp_template_english = {
    .opening = "This summary for {t} covers the period from {from} to {to}.",
    .compared = "It is compared with the previous period, from {from} to {to}.",
    .nothing = "There is no data for this period.",
    .incomplete = "The figures are not final: the data are complete through {through}, and {c} "
                  "of the {n} days of the period {c?is|are} not complete yet.",
    .incomplete_all = "The figures are not final: none of the {n} {n?day|days} of the period is "
                      "complete yet.",
    .priorities = {{"critical", "Critical"},
                   {"high", "High"},
                   {"medium", "Medium"},
                   {"low", "Low"},
                   {"none", "No"}},
    .metrics = metrics,
    .dimensions = dimensions,
};
