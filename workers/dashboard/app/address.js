// What the page shows stands in its address, so that a link shows what its sender saw. The only file that reads or
// writes the address.

// In the order in which they stand in a link.
const NAMES = ["view", "tenant", "from", "to", "period", "compare", "by", "member", "metric", "day", "age", "weekday",
    "hour", "series", "state", "kind", "action", "actor", "id", "job", "wall"];

let listener = () => {};

function read(search) {
    const given = new URLSearchParams(search);
    return Object.fromEntries(NAMES.filter((name) => given.has(name)).map((name) => [name, given.get(name)]));
}

function write(state) {
    const query = new URLSearchParams();
    for (const name of NAMES) {
        // An empty member is one: the tickets without a value.
        if (state[name] !== undefined && state[name] !== null) query.set(name, state[name]);
    }
    const text = query.toString();
    return text === "" ? "/" : `/?${text}`;
}

// The state that the address tells: only known names, each a text.
export const current = () => read(location.search);

// The address of the current state with these changes; a null leaves the name out.
export const link = (changes) => write({...current(), ...changes});

// The address of a view that keeps only where we are in tenant and time.
export function linkToView(view, changes = {}) {
    const {tenant, from, to, period, compare, wall} = current();
    return write({tenant, from, to, period, compare, wall, view, ...changes});
}

// Goes there; the page shows it. With replace, Back leads to what was before the current address.
export function go(href, {replace = false} = {}) {
    if (href === location.pathname + location.search && !replace) return listener();
    history[replace ? "replaceState" : "pushState"](null, "", href);
    return listener();
}

// Writes the address without showing anything anew: the page shows it already.
export const settle = (changes) => history.replaceState(null, "", link(changes));

// Calls `show` whenever the address changes, and takes over the clicks on links to the page itself.
export function follow(show) {
    listener = show;
    window.addEventListener("popstate", () => show());
    document.addEventListener("click", (event) => {
        const anchor = event.target.closest?.("a[href]");
        if (!anchor || event.defaultPrevented || event.button !== 0 || anchor.target || anchor.hasAttribute("download"))
            return;
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        const to = new URL(anchor.href);
        if (to.origin !== location.origin || to.pathname !== "/" || anchor.getAttribute("href").startsWith("#")) return;
        event.preventDefault();
        go(to.pathname + to.search);
    });
}
