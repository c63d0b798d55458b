// What the desk asks of its server, and tells it. The token stands in the page's address alone.

/** A judgement is on disk when it is answered, which may be a slow one. */
const DESK_ANSWERED_WITHIN_MS = 15_000;

class DeskJudging {
  constructor() {
    this.token = new URLSearchParams(location.search).get("review") ?? "";
  }

  /** The JSON at `path`, or `{ trouble }`: what is wrong, in words. With `body` it is sent there. */
  async ask(path, body) {
    const headers = { "X-Review-Token": this.token };
    if (body) headers["Content-Type"] = "application/json";
    const signal = AbortSignal.timeout(DESK_ANSWERED_WITHIN_MS);
    try {
      const answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), cache: "no-store", signal });
      if (answer.ok) return await answer.json();
      const reason = (await answer.text()).trim() || `it answers ${answer.status}`;
      return { trouble: reason, status: answer.status };
    } catch {
      return { trouble: "the server is gone; start it again and open the address that it prints", status: 0 };
    }
  }

  /** Sends a judgement, or takes one back where the verdict is null. */
  judge(block, seen, verdict, note = "", prompt = "") {
    return this.ask("review/judgements", { ...block, seen, verdict, note, prompt: prompt || null });
  }
}
