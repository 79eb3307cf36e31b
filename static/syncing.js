// Starting, following and cancelling a sync.

import { host } from "./host.js";
import { announce, clearNotice, showFailure } from "./notices.js";
import { fragment, json } from "./requests.js";

const LOOK_AGAIN_MS = 1000;
const WAIT_AFTER_FAULT_MS = 5000;
const SPOKEN_EVERY = 5;

const texts = document.body.dataset;
const ENDS = {
  published: ["success", texts.textSyncDone, texts.textSyncDoneBody],
  failed: ["error", texts.textSyncFailed, ""],
  cancelled: ["info", texts.textSyncCancelled, ""],
};

let timer;
let looks = 0;
let followed = "";
let over = "";

const field = (id) => document.getElementById(id);
const panel = () => document.querySelector("[data-part='sync'] [data-sync]");

export function followSync() {
  clearTimeout(timer);
  if (panel()) timer = setTimeout(look, LOOK_AGAIN_MS);
}

async function look() {
  clearTimeout(timer);
  followed = panel()?.dataset.sync ?? followed;
  try {
    const answer = await fragment("progress");
    swap(answer);
    if (panel()) return followSync();
    await end();
  } catch (error) {
    if (error.status === 401 || error.status === 404) return showFailure(error, look);
    timer = setTimeout(look, WAIT_AFTER_FAULT_MS);
  }
}

// The text of a running sync is spoken now and then, not every second.
function swap(answer) {
  const place = document.querySelector("[data-part='sync']");
  const isCancelFocused = document.activeElement?.id === "cancel-sync";
  place.replaceChildren(...answer.querySelector("[data-part='sync']").childNodes);
  if (isCancelFocused) (field("cancel-sync") ?? field("sync-now") ?? field("table-region"))?.focus();
  const text = place.querySelector("[data-progress-text]")?.textContent;
  if (text && looks++ % SPOKEN_EVERY === 0) announce(text);
}

// Two looks may be under way when a sync is cancelled: the first one says that it is over. Whose end
// cannot be asked for is asked for again.
async function end() {
  looks = 0;
  const id = followed;
  if (!id || id === over) return;
  const sync = await json(`syncs/${id}`);
  if (id === over) return;
  over = id;
  const [type, title, body] = ENDS[sync.state] ?? ENDS.published;
  host.flag(type, title, body);
  document.dispatchEvent(new CustomEvent("sync-over"));
  announce(title);
}

export async function startSync(button) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    followed = (await json("syncs", { method: "POST" })).id;
    clearNotice();
    announce(texts.textSyncStarted);
    await look();
  } catch (error) {
    showFailure(error, () => startSync(button));
  } finally {
    button.removeAttribute("aria-busy");
  }
}

export async function cancelSync(button) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await json(`syncs/${button.dataset.syncId}`, { method: "DELETE" });
    await look();
  } catch (error) {
    showFailure(error, () => cancelSync(button));
  } finally {
    button.removeAttribute("aria-busy");
  }
}
