// Every job of the tenant, with its progress; to cancel and to try again.
import {element} from "../app/element.js";
import {jobList} from "../parts/job_list.js";
import {say} from "../app/language.js";
import * as address from "../app/address.js";

const STATES = ["queued", "running", "succeeded", "failed", "cancelled"];
const KINDS = ["ingest", "kpi", "export", "pipeline", "summary", "notification", "source_test", "sweep"];

export async function build(context) {
    const {kind, state} = context.state;
    const list = await jobList(context, {kind: KINDS.includes(kind) ? kind : null, state: STATES.includes(state) ? state : null});
    return element("div", {},
        element("div", {class: "title"},
            element("h1", {tabindex: "-1"}, say("jobs.title", {tenant: context.tenant.name})),
            element("div", {class: "period"},
                choice("kind", KINDS.map((name) => [name, say(`job.${name}`)]), kind),
                choice("state", STATES.map((name) => [name, say(`state.${name}`)]), state))),
        list.whole);
}

const choice = (name, values, now) => element("span", {class: "choice"},
    element("label", {for: name}, say(`jobs.${name}`)),
    element("select", {id: name, on: {change: (event) => address.go(address.link({[name]: event.target.value || null}))}},
        element("option", {value: ""}, say("jobs.all")),
        values.map(([value, text]) => element("option", {value, selected: value === now}, text))));
