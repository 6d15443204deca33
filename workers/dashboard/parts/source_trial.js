// Tries a tenant's source and tells in a line what came of it.
import {element} from "../app/element.js";
import {explain} from "./notices.js";
import {newKey, Problem, read} from "../app/server.js";
import {say} from "../app/language.js";

const ASK_MS = 700;

export async function trySource(context, tenant) {
    const line = element("p", {role: "status"}, say("sources.trying"));
    const bar = element("progress", {"aria-label": say("sources.trying")});
    const close = element("button", {type: "button", class: "button", on: {click: () => dialog.close()}}, say("action.close"));
    const dialog = element("dialog", {class: "card", "aria-labelledby": "trial", on: {close: () => dialog.remove()}},
        element("div", {class: "form"}, element("h2", {id: "trial"}, say("sources.trial", {tenant: tenant.name})), line, bar,
            element("div", {class: "row"}, close)));
    document.body.append(dialog);
    dialog.showModal();
    try {
        let {job} = await context.send(`/v1/admin/sources/${tenant.id}/test`, {}, {key: newKey()});
        while (["queued", "running"].includes(job.state) && dialog.isConnected) {
            await new Promise((after) => { setTimeout(after, ASK_MS); });
            ({job} = await read(`/v1/jobs/${job.id}`, {tenant: tenant.id}, context.signal));
        }
        line.textContent = job.state === "succeeded" ? job.result.summary : job.error?.detail ?? say(`state.${job.state}`);
        line.className = job.state === "succeeded" ? "better" : "worse";
    } catch (error) {
        if (!(error instanceof Problem)) throw error;
        line.textContent = explain(error);
        line.className = "worse";
    } finally {
        bar.hidden = true;
    }
}
