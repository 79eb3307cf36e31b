// Taking a snapshot: a small form for every [data-snapshot], whose value says what is frozen.

import { host } from "./host.js";
import { announce } from "./notices.js";
import { json } from "./requests.js";

const MANY = ["environment", "group", "verdict", "severity", "kind"];
const texts = document.body.dataset;

const dialog = document.getElementById("taking");
const form = document.getElementById("taking-form");
const error = document.getElementById("taking-error");

let wanted = {};
let command = "";

// `api_id=…` is one API, anything else the filter as the address has it.
function wish(text) {
  const said = new URLSearchParams(text);
  const api = said.get("api_id");
  said.delete("api_id");
  const filter = {};
  for (const name of said.keys()) {
    filter[name] = MANY.includes(name) ? said.getAll(name) : said.get(name);
  }
  return api === null ? { filter } : { api_id: api, filter };
}

function open(button) {
  wanted = wish(button.dataset.snapshot);
  command = crypto.randomUUID();
  form.reset();
  error.textContent = "";
  form.elements.title.value = button.dataset.title ?? "";
  dialog.showModal();
}

async function take() {
  const button = document.getElementById("taking-submit");
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  const { title, note } = form.elements;
  const body = { ...wanted, title: title.value.trim(), note: note.value.trim() };
  try {
    const headers = { "Idempotency-Key": command };
    const taken = await json("snapshots", { method: "POST", body, headers });
    dialog.close();
    host.flag("success", texts.textSnapshotTaken, texts.textSnapshotTakenBody);
    announce(texts.textSnapshotTaken);
    document.dispatchEvent(new CustomEvent("snapshot-taken", { detail: taken }));
  } catch (failure) {
    error.textContent = failure.message;
  } finally {
    button.removeAttribute("aria-busy");
  }
}

// The dialog of one API learns late which one it is.
export function offerSnapshot(api) {
  const button = document.getElementById("take-snapshot");
  if (!button) return;
  button.dataset.snapshot = new URLSearchParams({ api_id: api }).toString();
  button.hidden = false;
}

if (dialog) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-snapshot]");
    if (button && button.tagName === "BUTTON") open(button);
    // The backdrop is the dialog itself; its content fills it.
    if (event.target === dialog || event.target.id === "taking-cancel") dialog.close();
  });
  // Escape closes this one alone, not the host's dialog around it.
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") event.stopPropagation();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    take();
  });
}
