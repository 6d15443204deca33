// Lines over days: hover values, zoom by dragging (which changes the period), a click that opens a day's tickets, gaps
// where there is no value, a shade over days that are not complete, and the same figures as a table behind it.
import uPlot from "uplot";
import {dayOfUnix, unixSeconds} from "../app/days.js";
import {colour, onPaper, onTheme} from "../app/theme.js";
import {dataTable} from "../parts/data_table.js";
import {day, measure, namedDay, shortDay} from "../app/format.js";
import {element} from "../app/element.js";
import {metric} from "../app/metrics.js";
import {say} from "../app/language.js";
import * as address from "../app/address.js";

const DAY_SECONDS = 86400;
const STEPS = [1, 2, 7, 14, 28, 56, 91, 182, 364].map((days) => days * DAY_SECONDS);
const DASHES = [[], [6, 4], [2, 3]]; // a second sign beside the colour
const INNER_POINTS_UP_TO = 45; // days; above, points would touch

// The names of the series that the address hides.
const hiddenNow = () => new Set((address.current().series ?? "").split(" ").filter(Boolean));

// rows: of /v1/kpis/daily; names: metrics of one unit, or of units that share an axis.
export function trendChart({title, rows, names, completeThrough, opens, signal}) {
    const unit = metric(names[0]).unit;
    const host = element("div", {class: "plot", "aria-hidden": "true"});
    const told = names.map(() => element("output", {class: "told"}));
    const hidden = hiddenNow();
    const alone = names.length === 1; // to hide it would leave nothing to see
    const boxes = names.map((name, at) => element("input", {type: "checkbox", id: `series-${name}`,
        checked: alone || !hidden.has(name), on: {change: (event) => toggle(name, at, event.target.checked)}}));
    const when = element("output", {class: "when"});
    let plot = null;

    function toggle(name, at, isShown) {
        const now = hiddenNow();
        now[isShown ? "delete" : "add"](name);
        address.settle({series: now.size ? [...now].join(" ") : null});
        plot?.setSeries(at + 1, {show: isShown});
    }

    function tell(index) {
        const row = index === null || index === undefined ? null : rows[index];
        when.textContent = row ? namedDay(row.day) + (isIncomplete(row.day) ? `, ${say("chart.incomplete")}` : "") : "";
        names.forEach((name, at) => { told[at].textContent = row ? measure(row[name], unit) : ""; });
    }

    const isIncomplete = (text) => completeThrough === null || text > completeThrough;

    function draw() {
        plot?.destroy();
        plot = null;
        if (host.clientWidth === 0) return;
        // On paper twice as large, and shown at half the size (style/print.css): twice as sharp.
        const scale = onPaper() ? 2 : 1;
        const text = scale * 0.75 * parseFloat(getComputedStyle(document.documentElement).fontSize);
        const font = `${Math.round(text)}px system-ui, sans-serif`;
        const quiet = colour("quiet");
        const rule = colour("rule");
        plot = new uPlot({
            width: scale * host.clientWidth,
            height: scale * host.clientHeight,
            tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
            legend: {show: false},
            cursor: {drag: {x: true, y: false, setScale: false}, points: {size: 8}, y: false},
            scales: {
                x: {time: true, range: (_, first, last) => [first - DAY_SECONDS / 2, last + DAY_SECONDS / 2]},
                y: {range: (_, least, most) => range(unit, least, most)},
            },
            axes: [
                {stroke: quiet, font, grid: {show: false}, ticks: {stroke: rule}, incrs: STEPS, space: text * 5.5, size: text * 2.75,
                    values: (_, splits) => splits.map((seconds) => shortDay(dayOfUnix(seconds)))},
                {stroke: quiet, font, grid: {stroke: rule, width: scale}, ticks: {show: false}, size: axisWidth, incrs: yStep(unit),
                    values: (_, splits) => splits.map((value) => measure(value, unit))},
            ],
            series: [{}, ...names.map((name, at) => ({
                label: name,
                show: boxes[at].checked,
                stroke: colour(`series-${at + 1}`),
                width: 2 * scale,
                dash: DASHES[at].map((length) => length * scale),
                spanGaps: false,
                points: {show: (u, series, first, last) => last - first < INNER_POINTS_UP_TO, size: 5 * scale,
                    fill: colour("surface")},
            }))],
            hooks: {
                drawClear: [shadeIncomplete],
                setCursor: [(u) => tell(u.cursor.idx)],
                setSelect: [zoom],
                ready: [(u) => u.over.addEventListener("click", () => open(u))],
            },
        }, [rows.map((row) => unixSeconds(row.day)), ...names.map((name) => rows.map((row) => row[name]))], host);
    }

    function shadeIncomplete(u) {
        const first = rows.findIndex((row) => isIncomplete(row.day));
        if (first < 0) return;
        const left = Math.max(u.valToPos(unixSeconds(rows[first].day) - DAY_SECONDS / 2, "x", true), u.bbox.left);
        u.ctx.save();
        u.ctx.fillStyle = colour("shade");
        u.ctx.fillRect(left, u.bbox.top, u.bbox.left + u.bbox.width - left, u.bbox.height);
        u.ctx.restore();
    }

    // A drag that ended within a day was a click.
    function zoom(u) {
        if (u.select.width < 8) return;
        const at = (pixels) => rows[Math.min(Math.max(u.posToIdx(pixels), 0), rows.length - 1)].day;
        const from = at(u.select.left);
        const to = at(u.select.left + u.select.width);
        u.setSelect({left: 0, width: 0, top: 0, height: 0}, false);
        if (from < to) address.go(address.link({from, to, period: null}));
    }

    // The series nearest to the pointer, of those that are shown.
    function open(u) {
        const {idx, top} = u.cursor;
        if (idx === null || idx === undefined || u.select.width >= 8) return;
        const near = names.map((name, at) => ({name, value: rows[idx][name], at}))
            .filter(({value, at}) => value !== null && boxes[at].checked)
            .sort((a, b) => Math.abs(u.valToPos(a.value, "y") - top) - Math.abs(u.valToPos(b.value, "y") - top))[0];
        if (near) address.go(opens({metric: near.name, day: rows[idx].day}));
    }

    const watch = new ResizeObserver(() => {
        if (onPaper()) return;
        if (plot === null) draw();
        else plot.setSize({width: host.clientWidth, height: host.clientHeight});
    });
    watch.observe(host);
    onTheme(draw, signal);
    signal.addEventListener("abort", () => {
        watch.disconnect();
        plot?.destroy();
    });

    return element("section", {class: "card chart"},
        element("header", {}, element("h2", {}, title), element("span", {class: "hovered"}, when, " ", alone && told)),
        !alone && element("ul", {class: `legend in-${unit}`}, names.map((name, at) => element("li", {class: `series-${at + 1}`},
            element("label", {}, boxes[at], say(`metric.${name}`)), " ", told[at]))),
        host,
        behind(() => table({title, rows, names, isIncomplete, opens})));
}

const range = (unit, least, most) => {
    if (least === null || most === null) return [0, 1];
    if (unit === "ratio") return [Math.min(0.5, Math.floor(least * 10) / 10), 1];
    if (unit === "score") return [1, 5];
    return [0, most === 0 ? 1 : most * 1.08];
};

// Axes in whole tickets, and in times that people say.
const MINUTES = [1, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 4320, 7200, 10080, 14400, 20160, 43200, 86400];
const yStep = (unit) => (unit === "minutes" ? MINUTES
    : unit === "ratio" ? [0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1]
        : unit === "score" ? [1, 2, 4]
            : [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000]);

// As wide as the longest label.
function axisWidth(u, labels, at) {
    if (!labels) return 40;
    [u.ctx.font] = u.axes[at].font;
    return Math.max(32, ...labels.map((label) => u.ctx.measureText(label).width / devicePixelRatio + 14));
}

// Made when it is first opened: a year is thousands of cells.
const behind = (make) => element("details", {class: "behind", on: {toggle: ({currentTarget: details}) => {
    if (details.children.length === 1) details.append(make());
}}}, element("summary", {}, say("chart.table")));

const table = ({title, rows, names, isIncomplete, opens}) => dataTable({
    caption: title,
    columns: [
        {label: say("chart.day"), isHead: true,
            cell: (row) => element("time", {datetime: row.day}, day(row.day), isIncomplete(row.day) && " *")},
        ...names.map((name) => ({
            label: say(`metric.${name}`), isNumber: true,
            cell: (row) => (row[name] === null ? measure(null) : element("a", {href: opens({metric: name, day: row.day})},
                measure(row[name], metric(name).unit))),
        })),
    ],
    rows: [...rows].reverse(),
    note: rows.some((row) => isIncomplete(row.day)) ? `* ${say("chart.incomplete")}` : null,
});
