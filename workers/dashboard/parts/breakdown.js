// A period's figures by member of a dimension; which dimension stands in the address. Nobody of the role `client` is
// shown technicians, and the server would refuse them.
import {dataTable} from "./data_table.js";
import {element} from "../app/element.js";
import {isSaid, say} from "../app/language.js";
import {measure} from "../app/format.js";
import {metric} from "../app/metrics.js";
import * as address from "../app/address.js";

const DIMENSIONS = ["priority", "category", "group", "assignee"];
const COLUMNS = ["tickets_created", "tickets_resolved", "backlog", "sla_compliance", "resolution_minutes_p50",
    "first_response_minutes_p50", "reopen_rate", "csat_mean"];

const SEVERITY = ["critical", "high", "medium", "low", "none"];

// The gravest first, then those we do not know by their names.
const severity = (member) => (SEVERITY.includes(member) ? SEVERITY.indexOf(member) : SEVERITY.length);

// The tickets without a member stand last, whichever way the others are sorted.
const inOrder = (by) => (a, b) => (a.member === "") - (b.member === "")
    || (by === "priority" ? severity(a.member) - severity(b.member) : 0) || a.member.localeCompare(b.member);

export const memberName = (by, member) => (member === "" || member === null ? say("member.none")
    : by === "priority" && isSaid(`priority.${member}`) ? say(`priority.${member}`) : member);

export function breakdown({members, by, role, opens}) {
    const choice = element("select", {id: "by", on: {change: () => address.go(address.link({by: choice.value}))}},
        DIMENSIONS.filter((name) => name !== "assignee" || role !== "client").map((name) =>
            element("option", {value: name, selected: name === by}, say(`by.${name}`))));
    return element("section", {class: "card breakdown"},
        element("header", {}, element("h2", {}, say("chart.breakdown")),
            element("span", {class: "choice"}, element("label", {for: "by"}, say("chart.breakdown.by")), choice)),
        dataTable({
            caption: say("chart.breakdown.of", {by: say(`by.${by}`)}),
            columns: [
                {label: say(`by.${by}`), cell: (row) => memberName(by, row.member), isHead: true,
                    by: ({member}) => (member === "" ? null : by === "priority" ? severity(member) : member)},
                ...COLUMNS.map((name) => ({
                    label: say(`metric.${name}`), isNumber: true, by: (row) => row[name],
                    cell: (row) => (row[name] === null ? measure(null) : element("a",
                        {href: opens({metric: name, by, member: row.member})}, measure(row[name], metric(name).unit))),
                })),
            ],
            rows: [...members].sort(inOrder(by)),
        }));
}
