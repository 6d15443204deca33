// Makes elements. Text goes in as text, never as markup, so that nothing from a ticket can become part of the page.

const DRAWING = "http://www.w3.org/2000/svg";

function dress(node, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
        if (value === undefined || value === null || value === false) continue;
        if (name === "on") {
            for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
        } else if (name === "style") {
            for (const [property, set] of Object.entries(value)) node.style.setProperty(property, set);
        } else if (name === "value") {
            node.value = value;
        } else {
            node.setAttribute(name, value === true ? "" : value);
        }
    }
}

function fill(node, children) {
    for (const child of children.flat(Infinity)) {
        if (child === undefined || child === null || child === false) continue;
        node.append(child);
    }
    return node;
}

// element("a", {href, class, on: {click}, style: {"--part": "40%"}}, "text", [node, …])
export function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    fill(node, children);
    dress(node, attributes);
    return node;
}

export function drawing(tag, attributes = {}, ...children) {
    const node = document.createElementNS(DRAWING, tag);
    dress(node, attributes);
    return fill(node, children);
}

export const fragment = (...children) => fill(document.createDocumentFragment(), children);
