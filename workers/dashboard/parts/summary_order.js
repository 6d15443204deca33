// Asks for a summary of the period and watches it come. The job stands in the address, so that a reload goes on watching.
import {dayRange} from "../app/format.js";
import {element} from "../app/element.js";
import {language, languages, say} from "../app/language.js";
import {newKey, Problem} from "../app/server.js";
import {tell} from "./trouble.js";
import {watchJob} from "./job_watch.js";
import * as address from "../app/address.js";

export function summaryOrder(context) {
    const {state, period: {from, to}} = context;
    const choice = element("select", {id: "summary-language"}, languages.map((code) =>
        element("option", {value: code, selected: code === language()}, say(`language.${code}`))));
    const enter = element("button", {type: "submit", class: "button primary", id: "ask"}, say("summary.ask"));
    const progress = element("div", {role: "status"});
    const trouble = element("p", {class: "trouble", role: "alert"});
    let key = newKey();

    async function work(find) {
        if (enter.hasAttribute("aria-busy")) return;
        enter.setAttribute("aria-busy", "true");
        trouble.textContent = "";
        try {
            const job = await watchJob(context, await find(), progress);
            key = newKey();
            if (job.state === "succeeded")
                return void address.go(address.linkToView("summary", {id: job.result.summaries[0].id}));
            trouble.textContent = job.state === "cancelled" ? say("summary.cancelled")
                : say("summary.failed", {detail: job.error?.detail ?? job.error?.code ?? ""});
            address.settle({job: null});
        } catch (error) {
            // What the server refused will not be otherwise under the same key.
            if (error instanceof Problem && !error.passes) key = newKey();
            tell(error, trouble);
        }
        progress.replaceChildren();
        enter.removeAttribute("aria-busy");
    }

    async function order() {
        progress.replaceChildren(say("summary.asked"));
        const {job} = await context.send("/v1/summaries", {from, to, language: choice.value}, {key});
        address.settle({job: job.id});
        return job.id;
    }

    if (state.job) work(async () => state.job);
    return element("form", {class: "card form order", on: {submit: (event) => {
        event.preventDefault();
        work(order);
    }}},
    element("h2", {}, say("summary.new", {period: dayRange(from, to)})),
    element("div", {class: "row"}, element("label", {for: "summary-language"}, say("menu.language")), choice, enter),
    progress, trouble);
}
