// Following a run: the server pushes what has changed since this page was made.

function followLive(live, plan, onChange, onState) {
  const source = new EventSource(`events/${live.plan}/${live.revision}`);
  source.addEventListener("open", () => onState("Live", "live"));
  source.addEventListener("error", () => onState("The server is gone; waiting for it to return", "lost"));
  // The layer was planned anew, or another layer is served: nothing on this page holds.
  source.addEventListener("replaced", () => location.reload());
  source.addEventListener("trouble", (event) => onState(JSON.parse(event.data).message, "lost"));
  source.addEventListener("changes", (event) => {
    plan.take(JSON.parse(event.data));
    onState("Live", "live");
    onChange();
  });
}
