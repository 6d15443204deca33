// Heads and rows of a table whose rows may become cards on a narrow screen (style/tables.css). The roles hold there,
// where the browser would forget that it is a table; the labels stand beside the values.
import {element} from "../app/element.js";
import {NOTHING} from "../app/format.js";

// column: {label, cell: (row) => node or text, isHead, isNumber, isAction (a button, which says itself what it does),
//          isWide (long text), isLine (a line of its own in a card)}
const classes = (column, content) => [column.isHead && "head", column.isNumber && "number", column.isAction && "action",
    column.isWide && "wide", column.isLine && "line", content === NOTHING && "nothing"].filter(Boolean).join(" ") || null;

export const headCell = (column, content = column.label) => element("th", {scope: "col", role: "columnheader",
    class: classes(column)}, column.isAction ? element("span", {class: "unseen"}, content) : content);

export const bodyRow = (columns, row) => element("tr", {role: "row"}, columns.map((column) => {
    const content = column.cell(row);
    return element(column.isHead ? "th" : "td", {scope: column.isHead ? "row" : null, role: column.isHead ? "rowheader" : "cell",
        class: classes(column, content), "data-label": column.label}, content);
}));

// The whole of it. name: the table's class. A region of its own, because it scrolls by itself.
export const tableOf = ({name = null, caption, heads, body}) => element("div", {class: "scroll", role: "region", tabindex: "0",
    "aria-label": caption}, element("table", {class: name, role: "table"}, element("caption", {class: "unseen"}, caption),
    element("thead", {role: "rowgroup"}, element("tr", {role: "row"}, heads)), body));

export const bodyOf = () => element("tbody", {role: "rowgroup"});
