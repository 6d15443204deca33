// Arrivals by weekday and hour: a table whose cells are shaded and open their tickets. One stop of the Tab key; the
// arrow keys move within it (the grid pattern of the ARIA practices).
import {element} from "../app/element.js";
import {number, weekday} from "../app/format.js";
import {say} from "../app/language.js";

const MOVES = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0]};
const HOURS = Array.from({length: 24}, (_, hour) => hour);
const WEEKDAYS = [1, 2, 3, 4, 5, 6, 7];

// cells: of /v1/kpis/arrivals; opens: ({weekday, hour}) => href
export function heatMap({title, cells, opens}) {
    const counts = new Map(cells.map((cell) => [`${cell.weekday} ${cell.hour}`, cell.tickets_created]));
    const most = Math.max(1, ...counts.values());
    const links = WEEKDAYS.map((day) => HOURS.map((hour) => {
        const count = counts.get(`${day} ${hour}`) ?? 0;
        return element("a", {
            href: opens({weekday: day, hour}), tabindex: day === 1 && hour === 0 ? "0" : "-1",
            "aria-label": say("chart.arrivals.cell", {count, number: number(count), weekday: weekday(day, "long"), hour}),
            // The square root, so that quiet hours still differ.
            class: count / most > 0.6 ? "hot" : null, style: {"--heat": `${Math.round(Math.sqrt(count / most) * 100)}%`},
        }, count === 0 ? "" : number(count));
    }));
    const move = (event) => {
        const step = MOVES[event.key];
        const row = links.findIndex((one) => one.includes(event.target));
        if (!step || row < 0) return;
        event.preventDefault();
        const next = links[row + step[0]]?.[links[row].indexOf(event.target) + step[1]];
        if (!next) return;
        event.target.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
    };
    return element("div", {class: "scroll"}, element("table", {class: "heat", on: {keydown: move}},
        element("caption", {class: "unseen"}, title),
        element("thead", {}, element("tr", {}, element("td"),
            HOURS.map((hour) => element("th", {scope: "col"}, String(hour))))),
        element("tbody", {}, WEEKDAYS.map((day, at) => element("tr", {},
            element("th", {scope: "row"}, weekday(day)), links[at].map((link) => element("td", {}, link)))))));
}
