// The tenant's CSV: the addresses that Power BI reads, starting an export, and the files of each day.
import {bytes, day, number} from "../app/format.js";
import {copyButton} from "../parts/copy_button.js";
import {dataTable} from "../parts/data_table.js";
import {downloads} from "../parts/download.js";
import {element} from "../app/element.js";
import {DATASETS, exportOrder} from "../parts/export_order.js";
import {empty} from "../parts/notices.js";
import {instant} from "../parts/instant.js";
import {jobList} from "../parts/job_list.js";
import {say} from "../app/language.js";

const FILES_AT_ONCE = 60;

export async function build(context) {
    const files = element("div", {class: "file-lists"});
    const fill = async () => files.replaceChildren(...filesOf(context, (await context.read("/v1/exports")).exports));
    const [jobs] = await Promise.all([jobList(context, {kind: "export"}, fill), fill()]);
    return element("div", {},
        element("h1", {tabindex: "-1"}, say("exports.title", {tenant: context.tenant.name})),
        element("div", {class: "grid"}, addresses(context), exportOrder(context, jobs.again)),
        element("section", {class: "card"},
            element("header", {}, element("h2", {}, say("exports.running"))),
            jobs.whole),
        element("section", {}, element("h2", {}, say("exports.files")), files, downloads(files, context.signal)));
}

const search = (context) => (context.me.role === "admin" ? `?tenant=${encodeURIComponent(context.tenant.id)}` : "");

function addresses(context) {
    const list = element("ul", {class: "addresses"}, DATASETS.map((dataset) => {
        const path = `/v1/exports/${dataset}/latest.csv${search(context)}`;
        const field = element("input", {id: `address-${dataset}`, value: location.origin + path, readonly: true});
        return element("li", {}, element("label", {for: `address-${dataset}`}, say(`dataset.${dataset}`)),
            element("span", {class: "row"}, field, copyButton(field, say("exports.copy", {dataset: say(`dataset.${dataset}`)})),
                element("a", {class: "button", href: path, download: true}, say("action.download"))));
    }));
    return element("section", {class: "card"},
        element("header", {}, element("h2", {}, say("exports.addresses"))),
        element("p", {class: "quiet"}, say("exports.addresses.text")), list, downloads(list, context.signal));
}

function filesOf(context, all) {
    if (all.length === 0) return [empty(say("exports.none"))];
    return DATASETS.map((dataset) => {
        const mine = all.filter((file) => file.dataset === dataset && file.day !== null).reverse();
        const whole = all.filter((file) => file.dataset === dataset && file.day === null);
        if (mine.length + whole.length === 0) return null;
        return element("details", {class: "card files"},
            element("summary", {}, say(`dataset.${dataset}`), " ",
                element("span", {class: "quiet"}, say("exports.count", {count: mine.length + whole.length,
                    number: number(mine.length + whole.length)}))),
            fileTable(context, dataset, [...whole, ...mine]));
    }).filter(Boolean);
}

function fileTable(context, dataset, files) {
    const place = element("div");
    let shown = FILES_AT_ONCE;
    const fill = () => place.replaceChildren(dataTable({
        caption: say(`dataset.${dataset}`),
        columns: [
            {label: say("chart.day"), isHead: true, cell: (file) => element("a", {download: true,
                href: `/v1/exports/files/${file.id}${search(context)}`}, file.day === null ? say("exports.whole") : day(file.day))},
            {label: say("exports.format"), cell: (file) => file.format},
            {label: say("exports.rows"), isNumber: true, cell: (file) => number(file.rows), by: (file) => file.rows},
            {label: say("exports.size"), isNumber: true, cell: (file) => bytes(file.bytes), by: (file) => file.bytes},
            {label: say("exports.made"), cell: (file) => instant(file.created_at, context.tenant.timezone)},
        ],
        rows: files.slice(0, shown),
    }), shown < files.length ? element("button", {type: "button", class: "button", on: {click: () => {
        shown += FILES_AT_ONCE;
        fill();
        place.querySelector("button:last-child")?.focus();
    }}}, say("action.more")) : "");
    fill();
    return place;
}
