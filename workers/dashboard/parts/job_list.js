// The jobs of a tenant, kept true while they run: those that are not over are asked one by one, which is small; the list,
// whose results may be long, is read again when one of them has ended.
import {ago, measure, moment, number} from "../app/format.js";
import {element} from "../app/element.js";
import {empty, explain} from "./notices.js";
import {newKey, Problem} from "../app/server.js";
import {resultOf, stageOf} from "./job_result.js";
import {isSaid, learn, say} from "../app/language.js";

const ASK_MS = 1000;
const LIST_MS = 20000;
const SHOWN = 20;

const isOver = (job) => !["queued", "running"].includes(job.state);

// query: {state, kind} of /v1/jobs. onEnd is called when one of them has ended. The list's `again` reads it anew at once.
export async function jobList(context, query, onEnd = () => {}) {
    const {read, signal, tenant} = context;
    const list = element("ul", {class: "jobs"});
    const trouble = element("p", {class: "trouble", role: "alert"});
    const more = element("button", {type: "button", class: "button", on: {click: () => longer()}}, say("action.more"));
    const rows = new Map(); // id → {job, item}
    let cursor = null;
    let listed = 0; // when, in ms
    let timer = null;

    async function readList() {
        const page = await read("/v1/jobs", {...query, limit: SHOWN});
        listed = Date.now();
        if (rows.size <= SHOWN) cursor = page.next_cursor;
        const known = new Set(page.jobs.map((job) => job.id));
        const older = [...rows.values()].filter(({job}) => !known.has(job.id)).map(({job}) => job);
        put([...page.jobs, ...older]);
    }

    async function longer() {
        const page = await read("/v1/jobs", {...query, limit: SHOWN, cursor});
        cursor = page.next_cursor;
        put([...[...rows.values()].map(({job}) => job), ...page.jobs]);
    }

    function put(jobs) {
        const before = new Map(rows);
        rows.clear();
        for (const job of jobs) rows.set(job.id, {job, item: itemOf(job, before.get(job.id))});
        const items = rows.size > 0 ? [...rows.values()].map(({item}) => item) : [element("li", {}, empty(say("jobs.none")))];
        // One that stands in its place is not touched: it keeps the focus.
        items.forEach((item, at) => item !== list.children[at] && list.insertBefore(item, list.children[at] ?? null));
        while (list.children.length > items.length) list.lastChild.remove();
        more.hidden = cursor === null;
    }

    function itemOf(job, had) {
        if (had === undefined) return show(job);
        if (JSON.stringify(had.job) === JSON.stringify(job)) return had.item;
        if (had.job.state === job.state && had.job.attempt === job.attempt && !isOver(job)) {
            had.item.querySelector(".progress").replaceWith(bar(job));
            return had.item;
        }
        return renew(had.item, show(job));
    }

    // The reader goes on in the new item: what cancelled a job tries it again.
    function renew(old, item) {
        const isAt = old.contains(document.activeElement);
        item.querySelector("details").open = old.querySelector("details").open;
        old.replaceWith(item);
        if (isAt) item.querySelector("button, summary").focus({preventScroll: true});
        return item;
    }

    async function step() {
        const active = [...rows.values()].map(({job}) => job).filter((job) => !isOver(job));
        try {
            const now = await Promise.all(active.map((job) => read(`/v1/jobs/${job.id}`)));
            const ended = now.some(({job}) => isOver(job));
            if (ended || Date.now() - listed > LIST_MS) await readList();
            else put([...rows.values()].map(({job}) => now.find((one) => one.job.id === job.id)?.job ?? job));
            if (ended) await onEnd();
            trouble.textContent = "";
        } catch (error) {
            if (signal.aborted) return;
            if (!(error instanceof Problem)) throw error;
            trouble.textContent = explain(error);
        }
        wait();
    }

    function wait() {
        clearTimeout(timer);
        const active = [...rows.values()].some(({job}) => !isOver(job));
        timer = setTimeout(document.hidden ? wait : step, active ? ASK_MS : LIST_MS);
    }

    // "cancel" or "retry".
    async function ask(job, what, button) {
        if (button.hasAttribute("aria-busy")) return;
        button.setAttribute("aria-busy", "true");
        try {
            await context.send(`/v1/jobs/${job.id}/${what}`, {}, {key: newKey()});
            await readList();
            trouble.textContent = "";
        } catch (error) {
            if (!(error instanceof Problem)) throw error;
            trouble.textContent = explain(error);
        }
        button.removeAttribute("aria-busy");
        wait();
    }

    const button = (job, what) => element("button", {type: "button", class: "button", id: `${what}-${job.id}`,
        on: {click: (event) => ask(job, what, event.currentTarget)}}, say(`jobs.${what}`));

    function show(job) {
        return element("li", {class: `card job ${job.state}`, id: `job-${job.id}`},
            element("div", {class: "job-head"},
                element("strong", {}, say(`job.${job.kind}`)),
                element("span", {class: "state"}, say(`state.${job.state}`)),
                element("span", {class: "quiet", title: moment(job.created_at, tenant.timezone)}, ago(job.created_at)),
                job.attempt > 1 && element("span", {class: "quiet"}, say("jobs.attempt", {number: number(job.attempt)})),
                isOver(job) ? job.state !== "succeeded" && button(job, "retry") : button(job, "cancel")),
            isOver(job) ? ending(job) : bar(job),
            job.error && element("p", {class: "trouble"}, reasonOf(job.error)),
            element("details", {class: "behind"}, element("summary", {}, say("jobs.details")), facts(job, tenant)));
    }

    // As high as the bar, so that nothing moves when a job ends.
    const ending = ({started_at: began, finished_at: ended}) => element("div", {class: "progress quiet"},
        say("jobs.ended", {moment: moment(ended, tenant.timezone)}), " ",
        began && took(Date.parse(ended) - Date.parse(began)));

    await Promise.all([readList(), learn("sources")]);
    wait();
    signal.addEventListener("abort", () => clearTimeout(timer));
    const whole = element("section", {class: "job-list", "aria-label": say("view.jobs")}, trouble, list, more);
    return {whole, again: async () => {
        await readList();
        wait();
    }};
}

const took = (ms) => (ms < 1000 ? say("jobs.took.instant") : say("jobs.took", {span: measure(ms / 60000, "minutes")}));

// In the reader's words where the page knows the code; what was noted stands in the details.
function reasonOf({code, detail}) {
    const name = [`problem.${code}`, `source_fault.${code}`].find(isSaid);
    return name ? say(name) : detail ?? code;
}

export function bar(job) {
    const {done, total, eta_seconds: eta} = job.progress;
    const stage = stageOf(job);
    const told = [stage && say("jobs.stage", {stage}), total > 0 && `${number(done)} / ${number(total)}`,
        eta !== null && say("jobs.eta", {count: eta, number: number(eta)})].filter(Boolean).join(" · ");
    return element("div", {class: "progress"},
        element("progress", {max: total > 0 ? total : null, value: total > 0 ? done : undefined,
            "aria-label": `${say(`job.${job.kind}`)}: ${say(`state.${job.state}`)}`}),
        element("span", {class: "quiet"}, told));
}

function facts(job, tenant) {
    const rows = [
        ["jobs.id", job.id],
        ["jobs.created", moment(job.created_at, tenant.timezone)],
        ["jobs.started", moment(job.started_at, tenant.timezone)],
        ["jobs.finished", moment(job.finished_at, tenant.timezone)],
        ["jobs.result", resultOf(job)],
        ...(job.error ? [["jobs.noted", element("span", {lang: "en"}, job.error.detail)]] : []),
    ];
    return element("dl", {class: "facts"}, rows.map(([name, value]) =>
        [element("dt", {}, say(name)), element("dd", {}, value)]));
}
