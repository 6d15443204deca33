// Follows a job to its end, asking ever more seldom. A server that is away for a while is waited for.
import {bar} from "./job_list.js";
import {Problem} from "../app/server.js";

const FIRST_MS = 300;
const LONGEST_MS = 5000;

const isOver = (job) => !["queued", "running"].includes(job.state);

const pause = (ms, signal) => new Promise((done, give) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => {
        clearTimeout(timer);
        give(signal.reason);
    }, {once: true});
});

// Shows its progress in `place`; the ended job, or a Problem of its own.
export async function watchJob({read, signal}, id, place) {
    for (let wait = FIRST_MS; ; wait = Math.min(wait * 1.5, LONGEST_MS)) {
        try {
            const {job} = await read(`/v1/jobs/${id}`);
            if (isOver(job)) return job;
            place.replaceChildren(bar(job));
        } catch (error) {
            if (!(error instanceof Problem) || !error.passes) throw error;
        }
        await pause(wait, signal);
    }
}
