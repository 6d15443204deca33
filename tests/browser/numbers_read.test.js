// The tests' own reading of numbers, without a browser: what it gets wrong would make others pass.
import assert from "node:assert/strict";
import test from "node:test";
import {assertShows, readNumber} from "./harness/numbers.js";

test("numbers are read as their language writes them", () => {
    assert.equal(readNumber("1,234.5", "en").value, 1234.5);
    assert.equal(readNumber("1\u202f234,5", "fr").value, 1234.5);
    assert.equal(readNumber("88.4%", "en").value, 0.884);
    assert.equal(readNumber("88,4\u00a0%", "fr").value, 0.884);
    assert.equal(readNumber("−12", "en").value, -12);
    assert.equal(readNumber("2 days 3 hr", "en").value, 3060);
    assert.equal(readNumber("2\u00a0h 28\u00a0min", "fr").value, 148);
    assert.equal(readNumber("3\u00a0j 4\u00a0h", "fr").value, 4560);
    assert.equal(readNumber("–", "en"), null);
});

test("a number that differs in its last shown digit is not the same", () => {
    assertShows("88.4%", 0.88442, "en", "share");
    assert.throws(() => assertShows("88.4%", 0.8831, "en", "share"));
    assert.throws(() => assertShows("212", 213, "en", "count"));
    assert.throws(() => assertShows("0", null, "en", "nothing"));
    assert.throws(() => assertShows("–", 0, "en", "zero"));
    assertShows("2 days 3 hr", 3080, "en", "span");
    assert.throws(() => assertShows("2 days 3 hr", 3120, "en", "span"));
});
