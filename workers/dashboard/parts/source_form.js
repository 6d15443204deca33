// Connects a tenant to its ticket system: first which kind, or none, then what that kind asks for
// (/v1/admin/source-kinds). A secret that is set already is not shown and stays unless a new one is given.
import {element} from "../app/element.js";
import {openForm} from "./form_dialog.js";
import {Problem} from "../app/server.js";
import {isSaid, say} from "../app/language.js";
import * as address from "../app/address.js";

const again = () => address.go(address.link({}));

const NONE = ""; // nothing is pulled

export const kindTitle = ({name, title}) => (isSaid(`source.${name}`) ? say(`source.${name}`) : title);

export function setSource(context, tenant, source, kinds) {
    openForm({
        title: say("sources.set", {tenant: tenant.name}), action: say("action.next"),
        fields: [{name: "kind", label: say("sources.kind"), type: "select", value: source?.kind ?? NONE,
            options: [[NONE, say("sources.pushed")], ...kinds.kinds.map((kind) => [kind.name, kindTitle(kind)])]}],
        onSubmit: ({kind}) => {
            // Behind the closing of this dialog, so that focus comes back to where it was.
            setTimeout(() => (kind !== NONE ? askOptions(context, tenant, source, kinds, kind)
                : source !== null && askEnd(context, tenant)));
        },
    });
}

function askEnd(context, tenant) {
    openForm({
        title: say("sources.set", {tenant: tenant.name}), text: say("sources.end.text"), action: say("sources.end"),
        danger: true, onDone: again,
        onSubmit: async (_, key) => { await context.send(`/v1/admin/tenants/${tenant.id}`, {source: ""}, {key}); },
    });
}

function askOptions(context, tenant, source, kinds, name) {
    const kind = kinds.kinds.find((one) => one.name === name);
    const options = [...kind.options, ...(name === "mock" ? [] : kinds.common_options)];
    const known = source?.kind === name ? source : null;
    openForm({
        title: say("sources.set.kind", {tenant: tenant.name, kind: kindTitle(kind)}), action: say("action.save"), onDone: again, text: say("sources.set.text"),
        fields: options.map((option) => field(kind, option, known)),
        onSubmit: async (values, key) => {
            const order = {kind: kind.name, options: {}, secrets: {}};
            for (const option of options) {
                if (values[option.name] === "") continue;
                order[option.secret ? "secrets" : "options"][option.name] = valueOf(option, values[option.name]);
            }
            try {
                await context.send(`/v1/admin/sources/${tenant.id}`, order, {key, method: "PUT"});
            } catch (error) {
                throw error instanceof Problem ? atFields(error) : error;
            }
        },
    });
}

// The page's words for an option: those of its kind, or those that all kinds share; null for what this page does not know.
function wordsFor(group, kind, {name}) {
    const found = [`${group}.${kind.name}.${name}`, `${group}.${name}`].find(isSaid);
    return found ? say(found) : null;
}

// With the name by which the server, its messages and its documentation call it.
const labelOf = (kind, option) => [wordsFor("option", kind, option), " ", element("code", {class: "quiet"}, option.name),
    option.required && " *"];

function helpOf(kind, option, isSet) {
    const help = wordsFor("option_help", kind, option) ?? option.help;
    const value = option.default && (wordsFor("option_default", kind, option) ?? option.default);
    return [help, isSet ? say("sources.secret_set") : value && say("sources.default", {value})].filter(Boolean).join(" · ");
}

function field(kind, option, source) {
    const set = source?.options?.[option.name];
    const isSet = Boolean(option.secret && source?.secrets[option.name]);
    const isJson = option.type === "words" || option.type === "object";
    return {
        name: option.name,
        label: labelOf(kind, option),
        type: isJson ? "area" : option.secret ? "password" : option.type === "number" ? "number" : "text",
        value: set === undefined ? "" : isJson ? JSON.stringify(set) : String(set),
        required: option.required && !isSet,
        help: helpOf(kind, option, isSet),
    };
}

function valueOf(option, text) {
    if (option.type === "number") return Number(text);
    if (option.type !== "words" && option.type !== "object") return text;
    try {
        return JSON.parse(text);
    } catch (error) {
        throw new Problem({status: 400, code: "json_malformed", detail: say("sources.json", {name: option.name}),
            faults: [{pointer: `/${option.name}`, detail: `${say("sources.json", {name: option.name})} ${error.message}`}]});
    }
}

// The server points to /options/url; the form's field is "url".
const atFields = (error) => Object.assign(error, {faults: error.faults.map(({pointer, detail}) =>
    ({pointer: pointer.replace(/^\/(options|secrets)(?=\/)/, ""), detail}))});
