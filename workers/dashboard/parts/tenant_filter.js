// Which tenant a list of the administration is about: one, or all of them. Writes the address.
import {element} from "../app/element.js";
import {say} from "../app/language.js";
import {whenChosen} from "./chosen.js";
import * as address from "../app/address.js";

export const tenantFilter = ({tenants, state}) => element("span", {class: "choice"},
    element("label", {for: "tenant-filter"}, say("tenant.switch")),
    whenChosen(element("select", {id: "tenant-filter", title: say("tenant.switch.keys")},
        element("option", {value: ""}, say("tenant.all")),
        tenants.map((one) => element("option", {value: one.id, selected: one.id === state.tenant}, one.name))),
    (id) => address.go(address.link({tenant: id || null}))));

export const tenantChoices = (tenants) => tenants.map((one) => [one.id, `${one.name} (${one.id})`]);
