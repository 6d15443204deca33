// What came of a job, and what it does now, as a person says it. Ids, places and cursors are for programs and stay out.
import {isSaid, say} from "../app/language.js";
import {NOTHING, number} from "../app/format.js";

const sum = (list, name) => list.reduce((all, one) => all + one[name], 0);

// Members that are not counts by themselves: [[the words' name, the count], …]
const COUNTS = {
    export_locations: (files) => [["files", files.length], ["rows", sum(files, "rows")]],
    summaries: (all) => [["summaries", all.length]],
    tenants: () => [], // the one whose jobs are shown
};

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

const counts = (result) => Object.entries(result).flatMap(([name, value]) => COUNTS[name]?.(value) ??
    (typeof value === "number" ? [[name, value]] : isObject(value) ? counts(value) : []));

// A newer server may count more than this page has words for.
const told = ([name, count]) => (isSaid(`result.${name}`) ? say(`result.${name}`, {count, number: number(count)})
    : `${name}: ${number(count)}`);

export function resultOf({result}) {
    if (result === null) return NOTHING;
    if (result.channel) return say("result.sent", {channel: say(`result.channel.${result.channel}`)});
    if (result.lists_ids === false) return say("result.lists_no_ids");
    const some = counts(result).filter(([, count]) => count !== 0);
    return some.length === 0 ? say("result.nothing") : some.map(told).join(", ");
}

export function stageOf({progress: {stage}}) {
    const name = `stage.${stage?.replaceAll(" ", "_")}`;
    return isSaid(name) ? say(name) : stage;
}
