// Tries a tenant's source and tells what came of it, in the reader's words where the page knows the outcome.
import {element} from "../app/element.js";
import {explain} from "./notices.js";
import {isSaid, say} from "../app/language.js";
import {moment, number} from "../app/format.js";
import {newKey, Problem, read} from "../app/server.js";

const ASK_MS = 700;

const line = (verdict, text) => element("p", {class: verdict}, text);

// The server's own words, which are English and name the host and what it answered.
const noted = (detail) => [element("p", {class: "quiet"}, say("trial.noted")), element("p", {class: "quiet", lang: "en"}, detail)];

// title: the source's kind as the reader calls it.
function success({outcome, host, tickets, rejected, newest_updated_at: newest, summary}, title, tenant) {
    if (!isSaid(`trial.${outcome}`)) return [line("better", summary)];
    return [
        line("better", say(`trial.${outcome}`, {source: host ? `${title} (${host})` : title, count: tickets,
            number: number(tickets), moment: moment(newest, tenant.timezone)})),
        rejected > 0 && line("worse", say("trial.rejected", {count: rejected, number: number(rejected)})),
    ].filter(Boolean);
}

function failure({error, state}) {
    if (!isSaid(`source_fault.${error?.code}`)) return [line("worse", error?.detail ?? say(`state.${state}`))];
    return [line("worse", say(`source_fault.${error.code}`)), ...noted(error.detail)];
}

export async function trySource(context, tenant, title) {
    const told = element("div", {role: "status"}, line(null, say("sources.trying")));
    const bar = element("progress", {"aria-label": say("sources.trying")});
    const close = element("button", {type: "button", class: "button", on: {click: () => dialog.close()}}, say("action.close"));
    const dialog = element("dialog", {class: "card", "aria-labelledby": "trial", on: {close: () => dialog.remove()}},
        element("div", {class: "form"}, element("h2", {id: "trial"}, say("sources.trial", {tenant: tenant.name})), told, bar,
            element("div", {class: "row"}, close)));
    document.body.append(dialog);
    dialog.showModal();
    try {
        let {job} = await context.send(`/v1/admin/sources/${tenant.id}/test`, {}, {key: newKey()});
        while (["queued", "running"].includes(job.state) && dialog.isConnected) {
            await new Promise((after) => { setTimeout(after, ASK_MS); });
            ({job} = await read(`/v1/jobs/${job.id}`, {tenant: tenant.id}, context.signal));
        }
        told.replaceChildren(...(job.state === "succeeded" ? success(job.result, title, tenant) : failure(job)));
    } catch (error) {
        if (!(error instanceof Problem)) throw error;
        told.replaceChildren(line("worse", explain(error)));
    } finally {
        bar.hidden = true;
    }
}
