// Following a run: the server pushes what has changed since this page was made.

function followLive(live, plan, onChange, onState) {
  const source = new EventSource(`events/${live.plan}/${live.revision}`);
  source.addEventListener("open", () => onState("Live", "live"));
  source.addEventListener("error", () => onState("The server is gone; waiting for it to return", "lost"));
  // The layer was planned anew, or another layer is served: nothing on this page holds.
  source.addEventListener("replaced", () => location.reload());
  source.addEventListener("trouble", (event) => onState(JSON.parse(event.data).message, "lost"));
  source.addEventListener("changes", (event) => {
    for (const change of JSON.parse(event.data).items) applyChange(plan, change);
    onState("Live", "live");
    onChange();
  });
}

function applyChange(plan, change) {
  const { item } = change;
  const placeOf = (names, name) => {
    if (name === null) return -1;
    const place = names.indexOf(name);
    return place >= 0 ? place : names.push(name) - 1;
  };
  plan.state[item] = change.state;
  plan.hasPictures[item] = change.has_pictures ? 1 : 0;
  plan.model[item] = placeOf(plan.models, change.model);
  plan.message[item] = placeOf(plan.messages, change.message);
  plan.startedAt[item] = change.started_at_ms === null ? NaN : change.started_at_ms / 1000;
  plan.completedAt[item] = change.completed_at_ms === null ? NaN : change.completed_at_ms / 1000;
}
