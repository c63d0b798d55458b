// How far the run is, and how fast.

/** Progress over this time, in seconds, tells the rate. */
const RATE_WINDOW_S = 900;

/** How many items of each step are in each state. */
function countStates(plan) {
  const steps = STEPS.map(() => STATES.map(() => 0));
  for (let item = 0; item < plan.count; item++) steps[plan.step[item] - 1][plan.state[item]]++;
  const all = STATES.map((_, state) => steps.reduce((sum, step) => sum + step[state], 0));
  return { steps, all };
}

/** Blocks per second of late, and what is left at that rate; null where nothing tells. */
function estimateRate(plan, counts) {
  const ends = plan.completedAt.filter((end, item) => plan.state[item] === COMPLETE && !Number.isNaN(end)).sort();
  if (ends.length < 2) return null;
  const last = ends[ends.length - 1];
  const from = lowerBound(ends, last - RATE_WINDOW_S);
  const seconds = last - ends[from];
  if (!(seconds > 0)) return null;
  const perSecond = (ends.length - 1 - from) / seconds;
  const left = counts.all[PENDING] + counts.all[RUNNING];
  const start = plan.startedAt.reduce((first, at) => (at < first ? at : first), ends[0]);
  return { perSecond, secondsLeft: left / perSecond, seconds: last - start };
}

/** The first place in the sorted `numbers` with one that is at least `least`. */
function lowerBound(numbers, least) {
  let from = 0, to = numbers.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (numbers[middle] < least) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** A duration in words: `42 s`, `7 min`, `3 h 20 min`, `5 d 4 h`. */
function inWords(seconds) {
  if (!(seconds < 1e10)) return "unknown";
  if (seconds < 90) return `${seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 36) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function dateTime(seconds) {
  return new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}
