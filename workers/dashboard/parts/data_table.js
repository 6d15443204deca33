// A table that can be sorted by its heads. Wide ones scroll by themselves, so that the page never does.
import {bodyOf, bodyRow, headCell, tableOf} from "./table_rows.js";
import {element} from "../app/element.js";
import {empty} from "./notices.js";
import * as address from "../app/address.js";

// The orders that the reader chose, by the tables' captions: while the view stays, a table that is made anew keeps its
// order, be it for a form that was sent, newer figures or more rows.
const chosen = {view: null, orders: new Map()};

function chosenOrders() {
    const {view} = address.current();
    if (view !== chosen.view) Object.assign(chosen, {view, orders: new Map()});
    return chosen.orders;
}

// columns: of table_rows.js, and by: (row) => number or text; null sorts last
// lead: is said above it; none: in its place where there is no row; sorted: {at, down} to begin with.
// isCards: on a narrow screen each row is a card.
export function dataTable({caption, lead = null, columns, rows, note = null, sorted = null, none = null, isCards = false}) {
    const body = bodyOf();
    const heads = columns.map((column, at) => headCell(column, column.by
        ? element("button", {type: "button", on: {click: () => sortBy(at)}}, column.label) : column.label));
    let order = chosenOrders().get(caption) ?? sorted ?? {at: null, down: false};

    function sortBy(at) {
        order = {at, down: order.at === at ? !order.down : Boolean(columns[at].isNumber)};
        chosenOrders().set(caption, order);
        fill();
    }

    function fill() {
        heads.forEach((head, at) => (order.at === at
            ? head.setAttribute("aria-sort", order.down ? "descending" : "ascending") : head.removeAttribute("aria-sort")));
        const inOrder = order.at === null ? rows : [...rows].sort(comparison(columns[order.at].by, order.down));
        body.replaceChildren(...inOrder.map((row) => bodyRow(columns, row)));
    }

    fill();
    return element("div", {class: "table"}, lead && element("p", {class: "quiet"}, lead),
        rows.length === 0 && none ? empty(none) : tableOf({name: isCards ? "cards" : null, caption, heads, body}),
        note && element("p", {class: "quiet"}, note));
}

const comparison = (by, down) => (a, b) => {
    const [x, y] = [by(a), by(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    const order = typeof x === "string" ? x.localeCompare(y) : x - y;
    return down ? -order : order;
};
