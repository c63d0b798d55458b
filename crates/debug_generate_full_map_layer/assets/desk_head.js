// What the desk says of the block that is shown, and of all that was judged.

function renderDeskHead({ plan, item, order, told, command }) {
  const put = (id, text) => {
    const element = document.getElementById(id);
    // What did not change is not read out again.
    if (element.textContent !== text) element.textContent = text;
    return element;
  };
  const isShown = item !== NO_ITEM, state = isShown ? STATES[plan.state[item]] : null;
  put("desk-title", isShown ? `${plan.width[item]}x${plan.height[item]} at (${plan.x[item]}, ${plan.y[item]})` : "Nothing can be judged yet");
  put("desk-place", isShown ? order.placeInWords(item) : "");
  put("desk-status", state?.label ?? "").dataset.state = state?.key ?? "";
  const why = isShown ? order.whyInWords(item, told?.message) : [];
  document.getElementById("desk-why").replaceChildren(...why.map((line) => {
    const entry = document.createElement("li");
    entry.textContent = line;
    return entry;
  }));
  put("desk-judgement", judgementInWords(told?.judgement));
  put("desk-counts", order.countsInWords());
  document.getElementById("desk-command").hidden = order.open.redo + order.open.choose === 0;
  document.querySelector("#desk-command code").textContent = command;
}

function judgementInWords(judgement) {
  if (!judgement) return "";
  const { verdict, note, prompt } = judgement;
  if (verdict === "keep") return "Kept";
  if (verdict.choose) return `${verdict.choose.from === "rejected" ? "Rejected answer" : "Candidate"} ${verdict.choose.version} chosen`;
  return ["Flagged for redo", note, prompt && `prompt: ${prompt}`].filter(Boolean).join(" · ");
}
