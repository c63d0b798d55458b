// The keys and buttons of the desk.

const DESK_KEYS = { n: "next", ArrowRight: "next", p: "previous", ArrowLeft: "previous", k: "keep", r: "redo", c: "choose", u: "undo", f: "fit" };
/** With Shift those that lead on move the pictures, too. */
const DESK_MOVES = { ArrowLeft: [64, 0], ArrowRight: [-64, 0], ArrowUp: [0, 64], ArrowDown: [0, -64] };

function listenAtDesk(desk) {
  for (const button of desk.dialog.querySelectorAll("[data-do]")) {
    button.addEventListener("click", () => desk.actions[button.dataset.do]());
  }
  document.getElementById("open-desk").addEventListener("click", () => desk.open());
  // Before the map hears of them.
  document.addEventListener("keydown", (event) => hearAtDesk(desk, event), true);
  // Escape leaves the note first.
  desk.dialog.addEventListener("cancel", (event) => event.preventDefault());
}

function hearAtDesk(desk, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = event.target.matches?.("input, textarea, select");
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!desk.dialog.open) {
    if (key !== "d" || isTyping || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    desk.open();
    return;
  }
  event.stopPropagation();
  if (key === "Escape") {
    event.preventDefault();
    if (desk.form.isOpen()) desk.form.leave();
    else desk.close();
    return;
  }
  if (isTyping) return;
  const move = DESK_MOVES[key], action = DESK_KEYS[key];
  if (move && (event.shiftKey || !action)) desk.panes.move(...move);
  else if (/^[1-9]$/.test(key)) desk.select(Number(key));
  else if (!action) return;
  // A key that is held leads on, and judges nothing that was not looked at.
  else if (!event.repeat || ["next", "previous"].includes(action)) desk.actions[action]();
  event.preventDefault();
}
