// The tab's other views as states of the address: the history, and one snapshot.

import { announce } from "./notices.js";

// Which fragment a state of the address leads to.
export function fragmentOf(state) {
  const said = new URLSearchParams(state);
  const view = said.get("view");
  said.delete("view");
  if (view === "history") return `history?${said}`;
  if (view === "snapshot") return `snapshots/${encodeURIComponent(said.get("id") ?? "")}`;
  return state ? `posture?${state}` : "posture";
}

export function comparison(form) {
  const { from, to } = form.elements;
  return `view=history&from=${encodeURIComponent(from.value)}&to=${encodeURIComponent(to.value)}`;
}

// After a change of view: its title is read, and the sync that was asked for is in sight.
export function arrived() {
  const title = document.getElementById("history-title");
  if (!title) return;
  const isLost = document.activeElement === document.body;
  if (isLost) title.focus({ preventScroll: true });
  document.getElementById("chosen-sync")?.scrollIntoView({ block: "center" });
  announce(title.textContent);
}
