// The title of a view that tells of something in a period. A line breaks between the two sooner than within one.
import {element} from "../app/element.js";

export const title = (what, when) => element("h1", {tabindex: "-1"},
    element("span", {class: "whole"}, what, ","), " ", element("span", {class: "whole"}, when));
