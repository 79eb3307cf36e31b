// The posture tab: filters, sorting and pages as states of the host's address.

import { heldBack, shownNext } from "./drawing.js";
import { exportAs } from "./exporting.js";
import { arrived, comparison, fragmentOf } from "./history.js";
import { host } from "./host.js";
import { announce, clearNotice, showFailure } from "./notices.js";
import { dress, ready } from "./page.js";
import { follow, openApi, split } from "./opening.js";
import { fragment } from "./requests.js";
import "./snapshots.js";
import { followSync, startSync, cancelSync } from "./syncing.js";

const TYPING_PAUSE_MS = 250;

const texts = document.body.dataset;

// What is shown, and what is being asked for: the same but while an answer is on its way.
let state = "";
let wanted = "";
let running = null;

const part = (name, scope = document) => scope.querySelector(`[data-part="${name}"]`);

// Focus goes back to the element of the same id, else to the table: never to the top of the page.
function keepingFocus(change) {
  const id = document.activeElement?.id;
  const isInside = document.activeElement !== document.body;
  change();
  if (!isInside || document.activeElement !== document.body) return;
  const target = (id && document.getElementById(id)) || document.getElementById("table-region");
  target?.focus({ preventScroll: true });
}

// The sync's own part stays in every view: it is followed there.
function replaceParts(answer, kept) {
  const main = document.querySelector("main");
  const names = [...answer.querySelectorAll("[data-part]")].map((item) => item.dataset.part);
  for (const old of main.querySelectorAll("[data-part]")) {
    if (![...names, "sync"].includes(old.dataset.part)) old.remove();
  }
  let last = null;
  for (const name of names) {
    const fresh = part(name, answer);
    const old = part(name);
    if (old === null) last ? last.after(fresh) : main.prepend(fresh);
    else if (!kept.includes(name)) old.replaceChildren(...fresh.childNodes);
    last = old ?? fresh;
  }
}

// A sync that is followed already goes on as it is; one that somebody else began is followed too.
function show(answer, kept, { isAnew }) {
  const shown = document.getElementById("table-region");
  const { scrollLeft = 0, scrollTop = 0 } = shown ?? {};
  // Of the same rows once more some further down may be in sight.
  const later = isAnew ? [] : heldBack(answer, shown);
  const newest = part("sync", answer)?.dataset.newest;
  if (newest !== undefined) part("sync").dataset.newest = newest;
  const followed = part("sync").firstElementChild ? ["sync"] : [];
  keepingFocus(() => replaceParts(answer, [...kept, ...followed]));
  const region = document.getElementById("table-region");
  if (region) region.scrollTo(scrollLeft, isAnew ? scrollTop : 0);
  dress();
  followSync();
  announce(document.getElementById("result-count")?.textContent ?? "");
  shownNext(later);
}

const isInForm = () => document.getElementById("filters")?.contains(document.activeElement);

// The form is left as the person has it while they use it, and follows the address otherwise.
async function load(next, { isTyped = false, isAnew = false } = {}) {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  wanted = next;
  document.getElementById("table-region")?.setAttribute("aria-busy", "true");
  try {
    const answer = await fragment(fragmentOf(next), { signal });
    if (signal.aborted) return;
    state = next;
    clearNotice();
    show(answer, isTyped || (isAnew && isInForm()) ? ["filters"] : [], { isAnew });
    markDropdowns();
    arrived();
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    wanted = state;
    if ([404, 422].includes(error.status)) return sayThatItLeadsNowhere(error);
    showFailure(error, () => load(next, { isTyped, isAnew }));
  } finally {
    if (!signal.aborted) document.getElementById("table-region")?.removeAttribute("aria-busy");
  }
}

// A link that is old or cut off does not get better by trying again.
function sayThatItLeadsNowhere(error) {
  error.message = texts.textNoView;
  const all = () => {
    host.address.replace("");
    return load("");
  };
  showFailure(error, all, texts.textAllApis);
}

// The same once more: after a sync, or when something was judged.
function loadAnew() {
  return load(wanted, { isAnew: true });
}

function go(next, options) {
  if (next === wanted) return;
  host.address.push(next);
  load(next, options);
}

function stateOfForm() {
  const chosen = new URLSearchParams();
  for (const [name, value] of new FormData(document.getElementById("filters"))) {
    if (value.trim()) chosen.append(name, value.trim());
  }
  const present = new URLSearchParams(wanted);
  for (const name of ["sort", "size"]) {
    if (present.has(name)) chosen.set(name, present.get(name));
  }
  return chosen.toString();
}

function markDropdowns() {
  for (const dropdown of document.querySelectorAll(".dropdown")) {
    const isUsed = [...dropdown.querySelectorAll("input:checked")].some((input) => input.value);
    dropdown.classList.toggle("is-used", isUsed);
  }
}

function closeDropdowns(except) {
  for (const open of document.querySelectorAll(".dropdown[open]")) {
    if (open !== except) open.open = false;
  }
}

let typing = null;

function stopTyping() {
  clearTimeout(typing);
  typing = null;
}

function askAsTyped() {
  stopTyping();
  go(stateOfForm(), { isTyped: true });
}

// What is being typed goes along with what is chosen meanwhile, and begins at its first page; only
// who clears the filters means it too.
function choose(next, { isClearing = false } = {}) {
  const chosen = new URLSearchParams(next);
  const text = document.getElementById("search")?.value.trim();
  const isTyping = typing !== null && !isClearing && !chosen.has("view");
  stopTyping();
  if (!isTyping) return go(next);
  for (const name of ["search", "page"]) chosen.delete(name);
  go(new URLSearchParams([...(text ? [["search", text]] : []), ...chosen]).toString());
}

document.addEventListener("input", (event) => {
  if (!event.target.closest("#filters")) return;
  stopTyping();
  markDropdowns();
  typing = setTimeout(askAsTyped, event.target.id === "search" ? TYPING_PAUSE_MS : 0);
});

document.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.target.id === "compare") go(comparison(event.target));
  if (event.target.id === "filters") askAsTyped();
});

document.addEventListener("change", (event) => {
  if (event.target.id === "page-size") choose(event.target.value);
});

document.addEventListener("click", (event) => {
  closeDropdowns(event.target.closest(".dropdown"));
  const view = event.target.closest("[data-view]");
  if (view) openApi(state, view.dataset.view);
  const leads = event.target.closest("[data-query]");
  if (leads) {
    event.preventDefault();
    choose(leads.dataset.query, { isClearing: "clears" in leads.dataset });
  }
  const action = event.target.closest("[data-action]");
  if (action?.dataset.action === "sync") startSync(action);
  if (action?.dataset.action === "cancel") cancelSync(action);
  if (action?.dataset.action === "export") exportAs(action, state);
});

document.addEventListener("keydown", (event) => {
  const open = event.target.closest?.(".dropdown[open]");
  if (event.key !== "Escape" || !open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

// Enter on a row itself; on its links and buttons it does what it does there.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.("tr[data-api-id]")) {
    openApi(state, event.target.dataset.apiId);
  }
});

document.addEventListener("focusin", (event) => closeDropdowns(event.target.closest(".dropdown")));
document.addEventListener("sync-over", loadAnew);
document.addEventListener("posture-changed", loadAnew);
document.addEventListener("snapshot-taken", ({ detail }) => {
  if (document.getElementById("history-title")) go(`view=snapshot&id=${detail.id}`);
});

async function arrive(address) {
  const { filters, api, all, ready } = split(address);
  if (filters !== wanted) await load(filters);
  if (api) openApi(filters, api, { all, ready, isPushed: false });
}

host.address.listen((next) => {
  follow(next);
  arrive(next);
});

followSync();
await arrive(await host.address.read());
ready();
