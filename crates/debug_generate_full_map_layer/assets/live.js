// Following a run: a page that is seen asks every second what has changed.
// It asks anew each time because a browser grants a server six connections, for all its tabs.

const ASK_EVERY_MS = 1000;
const ANSWERED_WITHIN_MS = 5000;

function followLive(live, plan, onChange, onState, onReplaced) {
  let revision = live.revision, isAsking = false, next;

  function take(answer) {
    // The layer was planned anew, or another layer is served: nothing on this page holds.
    if (answer.kind === "replaced") return onReplaced();
    if (answer.kind === "trouble") return onState(answer.message, "lost");
    revision = answer.revision;
    onState("Live", "live");
    if (answer.progress) plan.take(answer.progress);
    onChange(answer);
  }

  async function ask() {
    clearTimeout(next);
    if (isAsking || document.visibilityState !== "visible") return;
    isAsking = true;
    const answer = await answerTo(`changes/${live.plan}/${revision}`);
    isAsking = false;
    next = setTimeout(ask, ASK_EVERY_MS);
    if (answer) take(answer);
    else onState("The server is gone; waiting for it to return", "lost");
  }

  document.addEventListener("visibilitychange", ask);
  ask();
}

/** The JSON at `url`; null when it does not come in time. */
async function answerTo(url) {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), ANSWERED_WITHIN_MS);
  try {
    const answer = await fetch(url, { cache: "no-store", signal: giveUp.signal });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
