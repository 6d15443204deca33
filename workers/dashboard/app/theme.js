// Light or dark: the system's choice, or the reader's own.
import {recall, remember} from "./memory.js";

export const themes = ["system", "light", "dark"];
export const theme = () => recall("theme") ?? "system";

const listeners = new Set();

// Charts are drawn in colours and must be drawn anew.
export function onTheme(listener, signal) {
    listeners.add(listener);
    signal.addEventListener("abort", () => listeners.delete(listener));
}

function apply() {
    colours.clear();
    if (paper) document.documentElement.dataset.theme = "light";
    else if (theme() === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme();
    for (const listener of listeners) listener();
}

// Paper is light, and as wide as style/print.css says: charts are drawn for it, and for the screen again afterwards.
let paper = false;
export const onPaper = () => paper;

function print(is) {
    if (paper === is) return;
    paper = is;
    document.documentElement.toggleAttribute("data-paper", is);
    apply();
}

export function useTheme() {
    apply();
    window.addEventListener("beforeprint", () => print(true));
    window.addEventListener("afterprint", () => print(false));
    matchMedia("print").addEventListener("change", (event) => print(event.matches));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
    // Paper is light (style/print.css).
    matchMedia("print").addEventListener("change", apply);
}

export function chooseTheme(wanted) {
    remember("theme", wanted === "system" ? null : wanted);
    apply();
}

// The value of a custom property of style/colours.css as it is now. light-dark() is resolved by a property that
// takes colours; asking costs a pass over the page's styles, so that it is kept until the theme changes.
const colours = new Map();

export function colour(name) {
    if (!colours.has(name)) colours.set(name, resolve(name));
    return colours.get(name);
}

function resolve(name) {
    const probe = document.createElement("i");
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
}
