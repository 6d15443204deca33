// What the period's figures say in words: who wrote it, with its numbers linked, those written earlier, and for those who
// may a new one.
import {dayRange, moment} from "../app/format.js";
import {element} from "../app/element.js";
import {empty, whom} from "../parts/notices.js";
import {language, say} from "../app/language.js";
import {findSummary, paragraphs, SUMMARIES_PAGE, summaryNotes, writtenBy} from "../parts/summary_text.js";
import {more} from "../parts/more.js";
import {periodBar} from "../parts/period_bar.js";
import {summaryOrder} from "../parts/summary_order.js";
import {title} from "../parts/title.js";
import * as address from "../app/address.js";

const WRITERS = ["manager", "admin"];

export async function build(context) {
    const {read, state, me, tenant, period} = context;
    const page = await read("/v1/summaries", {limit: SUMMARIES_PAGE});
    const id = state.id ?? (await findSummary(read, period, language(), page))?.id;
    const summary = id ? await read(`/v1/summaries/${encodeURIComponent(id)}`) : null;
    const told = summary ?? period;
    const mayAsk = WRITERS.includes(me.role);
    return element("div", {},
        element("div", {class: "title"},
            title(say("summary.title", {tenant: tenant.name}), dayRange(told.from, told.to)),
            periodBar(context, {compares: false, forgets: {id: null, job: null}})),
        summary ? text(summary) : empty(say(mayAsk ? "summary.none.ask" : page.summaries.length > 0 ? "summary.none" : "summary.none.yet",
            {whom: whom(me, "manager")})),
        mayAsk && summaryOrder(context),
        page.summaries.length > 0 && earlier(context, page, id));
}

const text = (summary) => element("article", {class: "card", id: "summary"},
    paragraphs(summary), summaryNotes(summary),
    element("p", {}, element("a", {class: "button", href: address.linkToView("overview", {from: summary.from, to: summary.to})},
        say("summary.figures"))));

function earlier(context, page, id) {
    const list = element("ul", {class: "earlier"});
    const add = ({summaries, next_cursor: cursor}) => {
        list.append(...summaries.map((one) => element("li", {}, element("a", {
            href: address.linkToView("summary", {id: one.id, from: one.from, to: one.to}),
            "aria-current": one.id === id ? "true" : null,
        }, dayRange(one.from, one.to)), " ",
        element("span", {class: "quiet"}, [say(`language.${one.language}`), writtenBy(one),
            moment(one.created_at, context.tenant.timezone)].join(" · ")))));
        return cursor;
    };
    const cursor = add(page);
    return element("section", {class: "card past"},
        element("header", {}, element("h2", {}, say("summary.earlier"))), list,
        cursor !== null && more({
            cursor,
            load: async (next) => add(await context.read("/v1/summaries", {limit: SUMMARIES_PAGE, cursor: next})),
            told: () => say("summary.shown", {count: list.children.length}),
        }));
}
