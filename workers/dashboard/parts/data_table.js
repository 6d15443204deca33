// A table that can be sorted by its heads. Wide ones scroll by themselves, so that the page never does.
import {element} from "../app/element.js";

let made = 0;

// columns: [{label, cell: (row) => node or text, isNumber, isHead, by: (row) => number or text; null sorts last}]
// sorted: {at, down} to begin with; none: what is said where there is no row.
export function dataTable({caption, columns, rows, note = null, sorted = null, none = null}) {
    const id = `table-${++made}`;
    const body = element("tbody");
    const heads = columns.map((column, at) => element("th", {scope: "col", class: column.isNumber ? "number" : null},
        column.by ? element("button", {type: "button", on: {click: () => sortBy(at)}}, column.label) : column.label));
    let order = sorted ?? {at: null, down: false};

    function sortBy(at) {
        order = {at, down: order.at === at ? !order.down : Boolean(columns[at].isNumber)};
        fill();
    }

    function fill() {
        heads.forEach((head, at) => (order.at === at
            ? head.setAttribute("aria-sort", order.down ? "descending" : "ascending") : head.removeAttribute("aria-sort")));
        const inOrder = order.at === null ? rows : [...rows].sort(comparison(columns[order.at].by, order.down));
        body.replaceChildren(...inOrder.map((row) => element("tr", {}, columns.map((column) =>
            element(column.isHead ? "th" : "td", {scope: column.isHead ? "row" : null,
                class: column.isNumber ? "number" : null}, column.cell(row))))));
    }

    fill();
    return element("div", {class: "scroll", role: "region", tabindex: "0", "aria-labelledby": id},
        element("table", {}, element("caption", {id}, caption), element("thead", {}, element("tr", {}, heads)), body),
        rows.length === 0 && none && element("p", {class: "empty"}, none),
        note && element("p", {class: "quiet"}, note));
}

const comparison = (by, down) => (a, b) => {
    const [x, y] = [by(a), by(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    const order = typeof x === "string" ? x.localeCompare(y) : x - y;
    return down ? -order : order;
};
