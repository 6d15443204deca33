// A moment as a short time that keeps to its line; the whole of it, with its zone, is at the pointer.
import {element} from "../app/element.js";
import {NOTHING, shortMoment, wholeMoment} from "../app/format.js";

export const instant = (text, zone) => (text === null || text === undefined ? NOTHING
    : element("time", {datetime: text, title: wholeMoment(text, zone)}, shortMoment(text, zone)));
