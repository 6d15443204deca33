// A small line without axes beside a figure, with gaps where there is no value. It only repeats what the chart tells.
import {drawing} from "../app/element.js";

const WIDTH = 120;
const HEIGHT = 28;

export function sparkLine(values) {
    const known = values.filter((value) => value !== null);
    const most = Math.max(...known);
    const least = Math.min(...known, 0);
    const x = (at) => (values.length < 2 ? WIDTH / 2 : (at / (values.length - 1)) * WIDTH);
    const y = (value) => 2 + (HEIGHT - 4) * (most === least ? 0.5 : 1 - (value - least) / (most - least));
    let path = "";
    let pen = "M";
    values.forEach((value, at) => {
        if (value === null) {
            pen = "M";
            return;
        }
        // A lone value between gaps is a dot: a line of no length with round ends.
        path += `${pen}${x(at).toFixed(1)} ${y(value).toFixed(1)}${pen === "M" ? "h0" : ""}`;
        pen = "L";
    });
    return drawing("svg", {class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none",
        "aria-hidden": "true"}, path !== "" && drawing("path", {d: path}));
}
