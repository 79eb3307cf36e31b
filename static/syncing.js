// Starting, following and cancelling a sync; and learning of one that somebody else began.

import { host } from "./host.js";
import { announce, clearNotice, showFailure } from "./notices.js";
import { fragment, json } from "./requests.js";

const LOOK_AGAIN_MS = 1000;
const WAIT_AFTER_FAULT_MS = 5000;
const LOOK_FOR_NEWS_MS = 300_000;
const SPOKEN_EVERY = 5;

const texts = document.body.dataset;
const ENDS = {
  published: ["success", texts.textSyncDone, texts.textSyncDoneBody],
  failed: ["error", texts.textSyncFailed, ""],
  cancelled: ["info", texts.textSyncCancelled, ""],
};

let timer;
let due = Infinity;
let looks = 0;
let followed = "";
let over = "";

const field = (id) => document.getElementById(id);
const panel = () => document.querySelector("[data-part='sync'] [data-sync]");

// Nobody looks at a hidden page: it asks nothing, and what was due meanwhile once it is shown.
function lookIn(wait) {
  clearTimeout(timer);
  due = Date.now() + wait;
  if (!document.hidden) timer = setTimeout(look, wait);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden && due < Infinity) lookIn(Math.max(0, due - Date.now()));
});

export function followSync() {
  lookIn(panel() ? LOOK_AGAIN_MS : LOOK_FOR_NEWS_MS);
}

const isFollowing = () => followed !== "" && followed !== over;

async function look() {
  clearTimeout(timer);
  due = Infinity;
  followed = panel()?.dataset.sync ?? followed;
  try {
    const isNews = swap(await fragment("progress"));
    if (panel()) return followSync();
    if (isFollowing()) await end();
    else if (isNews && isOfTheTable()) document.dispatchEvent(new CustomEvent("sync-over"));
    followSync();
  } catch (error) {
    if (!isFollowing()) return lookIn(LOOK_FOR_NEWS_MS);
    if (error.status === 401 || error.status === 404) return showFailure(error, look);
    lookIn(Math.max(WAIT_AFTER_FAULT_MS, error.wait * 1000 || 0));
  }
}

// The history is left alone: somebody may be choosing there what to compare.
const isOfTheTable = () =>
  document.querySelector("[data-part='results'], [data-part='empty']") !== null;

// The text of a running sync is spoken now and then, not every second. True where the newest sync is
// another one than before.
function swap(answer) {
  const place = document.querySelector("[data-part='sync']");
  const { newest } = answer.querySelector("[data-part='sync']").dataset;
  const isNews = place.dataset.newest !== newest;
  place.dataset.newest = newest;
  const isCancelFocused = document.activeElement?.id === "cancel-sync";
  place.replaceChildren(...answer.querySelector("[data-part='sync']").childNodes);
  if (isCancelFocused) (field("cancel-sync") ?? field("sync-now") ?? field("table-region"))?.focus();
  const text = place.querySelector("[data-progress-text]")?.textContent;
  if (text && looks++ % SPOKEN_EVERY === 0) announce(text);
  return isNews;
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
