// What the browser remembers of the reader's taste: language, theme, whether somebody signed in. Never anything of a tenant.

const PREFIX = "msp-analytics.";

export function recall(name) {
    try {
        return localStorage.getItem(PREFIX + name);
    } catch {
        return null; // a browser that keeps nothing
    }
}

export function remember(name, value) {
    try {
        if (value === null) localStorage.removeItem(PREFIX + name);
        else localStorage.setItem(PREFIX + name, value);
    } catch {
        // It holds until the page is closed.
    }
}
