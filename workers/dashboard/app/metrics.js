// The metrics as the page shows them: unit, which way is better, and which tickets stand behind one.
// Their definitions are words/*.js's "metric.NAME" and "definition.NAME".

const METRICS = [
    // name, unit, better: 1 = more, -1 = less, 0 = neither; opens: the count of tickets it is made of
    ["tickets_created", "tickets", 0, "tickets_created"],
    ["tickets_resolved", "tickets", 1, "tickets_resolved"],
    ["tickets_closed", "tickets", 0, "tickets_closed"],
    ["tickets_reopened", "tickets", -1, "tickets_reopened"],
    ["backlog", "tickets", -1, "backlog"],
    ["sla_compliance", "ratio", 1, "sla_known"],
    ["sla_met", "tickets", 1, "sla_met"],
    ["sla_known", "tickets", 0, "sla_known"],
    ["resolution_minutes_mean", "minutes", -1, "resolution_count"],
    ["resolution_minutes_p50", "minutes", -1, "resolution_count"],
    ["resolution_minutes_p90", "minutes", -1, "resolution_count"],
    ["resolution_minutes_p95", "minutes", -1, "resolution_count"],
    ["resolution_count", "tickets", 0, "resolution_count"],
    ["first_response_minutes_mean", "minutes", -1, "first_response_count"],
    ["first_response_minutes_p50", "minutes", -1, "first_response_count"],
    ["first_response_minutes_p90", "minutes", -1, "first_response_count"],
    ["first_response_count", "tickets", 0, "first_response_count"],
    ["reopen_rate", "ratio", -1, "tickets_reopened"],
    ["kill_rate", "ratio", 1, "tickets_closed"],
    ["csat_mean", "score", 1, "csat_count"],
    ["csat_count", "tickets", 0, "csat_count"],
].map(([name, unit, better, opens]) => ({name, unit, better, opens}));

const byName = new Map(METRICS.map((metric) => [metric.name, metric]));

export const metric = (name) => byName.get(name);

// Of the overview, in their order.
export const TILES = ["tickets_created", "tickets_resolved", "tickets_closed", "backlog", "sla_compliance",
    "resolution_minutes_p50", "resolution_minutes_p90", "first_response_minutes_p50", "reopen_rate", "csat_mean"];
