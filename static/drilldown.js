// The dialog of one API: which one it is comes from the opener, everything else from the server.

import { exportAs } from "./exporting.js";
import "./accepting.js";
import "./expecting.js";
import { host } from "./host.js";
import { announce, clearNotice, showFailure } from "./notices.js";
import { dress, ready } from "./page.js";
import { askReadiness, resumeReadiness } from "./readiness.js";
import { fragment } from "./requests.js";
import { offerSnapshot } from "./snapshots.js";

const SHOW_LOADING_MS = 1000;
const TYPING_PAUSE_MS = 250;

const texts = document.body.dataset;
const body = document.getElementById("body");
const refreshButton = document.getElementById("refresh");
// Of a section that is asked for twice the last answer counts, in whatever order they arrive.
const asked = new Map();
let api = "";
let pair = "";

const part = (name, scope = document) => scope.querySelector(`[data-part="${name}"]`);
const isAll = () => body.dataset.all === "true";
const path = (rest = "") => `apis/${encodeURIComponent(api)}${rest}`;

function show(answer) {
  asked.clear();
  for (const name of ["title", "nav"]) {
    part(name).replaceChildren(...part(name, answer).childNodes);
  }
  part("body").replaceWith(document.adoptNode(part("body", answer)));
  markToggle();
  dress();
}

function markToggle() {
  document.getElementById("show-all")?.setAttribute("aria-checked", String(isAll()));
}

async function load() {
  const late = setTimeout(() => {
    const loading = document.getElementById("loading");
    if (loading) loading.hidden = false;
  }, SHOW_LOADING_MS);
  try {
    show(await fragment(path()));
    if (isAll()) await Promise.all(longSections().map((section) => reload(section)));
    clearNotice();
    if (refreshButton) refreshButton.hidden = false;
    offerSnapshot(api);
    await resumeReadiness(pair);
  } catch (error) {
    if (error.status === 404) error.message = texts.textApiGone;
    showFailure(error, load);
  } finally {
    clearTimeout(late);
    const loading = document.getElementById("loading");
    if (loading) loading.hidden = true;
  }
}

const isLive = () => part("body").dataset.live === "true";

function longSections() {
  return isLive() ? [] : [...document.querySelectorAll(".section[data-whole='false']")];
}

// A long section is in pages: which rows are on them is up to the server.
async function reload({ dataset }, { page = 1 } = {}) {
  const name = dataset.section;
  const query = new URLSearchParams({ all: String(isAll()), page: String(page) });
  const search = searchOf(document.getElementById(name));
  if (search) query.set("search", search);
  const mine = Symbol(name);
  asked.set(name, mine);
  const answer = await fragment(path(`/${name}?${query}`));
  if (asked.get(name) !== mine) return;
  const section = document.getElementById(name);
  const fresh = document.adoptNode(answer.getElementById(name));
  const focused = document.activeElement;
  const isTyping = focused?.id === `search-${name}`;
  const id = section.contains(focused) ? focused.id : "";
  section.replaceWith(fresh);
  dress();
  if (isTyping) keepTyping(focused);
  else if (id) (visible(id) ?? fresh).focus({ preventScroll: true });
  announce(fresh.querySelector("[data-count]").textContent);
}

function visible(id) {
  const found = document.getElementById(id);
  return found && !found.hidden ? found : null;
}

// The field that the person is typing in stays as they have it.
function keepTyping(old) {
  document.getElementById(old.id)?.replaceWith(old);
  old.focus({ preventScroll: true });
}

const searchOf = (section) => section.querySelector("input[type='search']")?.value.trim() ?? "";

async function attempt(work, again = () => attempt(work)) {
  body.setAttribute("aria-busy", "true");
  try {
    await work();
    clearNotice();
  } catch (error) {
    showFailure(error, again);
  } finally {
    body.removeAttribute("aria-busy");
  }
}

function toggleAll() {
  body.dataset.all = String(!isAll());
  markToggle();
  tell();
  attempt(() => Promise.all(longSections().map((section) => reload(section))));
}

// The opener keeps what is shown in the address; a row below may have changed as well.
function tell(more = {}) {
  host.dialog.tell({ all: isAll(), ready: pair, ...more });
}

function expand(button) {
  const isOpen = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(isOpen));
  button.closest(".row").classList.toggle("is-open", isOpen);
}

function showMore(button) {
  const isOpen = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(isOpen));
  button.previousElementSibling.closest("td").querySelector(".pieces").classList.toggle("is-open", isOpen);
  button.textContent = isOpen ? texts.textShowLess : texts.textShowMore;
}

async function refresh() {
  if (refreshButton.getAttribute("aria-busy") === "true") return;
  refreshButton.setAttribute("aria-busy", "true");
  await attempt(async () => {
    show(await fragment(path("/refresh"), { method: "POST" }));
    body.scrollTo({ top: 0 });
    announce(texts.textLive);
  }, refresh);
  refreshButton.removeAttribute("aria-busy");
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  if (button.id === "close") host.dialog.close();
  if (button.id === "show-all") toggleAll();
  if (button.id === "refresh") refresh();
  if (button.id === "published") load().then(() => document.getElementById("title").focus());
  if (button.matches(".expand")) expand(button);
  if (button.matches(".more")) showMore(button);
  if (button.dataset.jump) jump(button.dataset.jump);
  if (button.dataset.jump === "readiness" && !pair) askReadiness().then(() => jump("readiness"));
  if (button.dataset.finding) jumpTo(findingOf(button.dataset.finding));
  if (button.dataset.page) turn(button);
  if (button.dataset.export) exportAs(button, "");
});

// Not by an anchor: that would add to the history, and Back must close the dialog. Not by
// `scrollIntoView`: that would scroll the head away as well.
function jump(id) {
  jumpTo(document.getElementById(id));
}

const findingOf = (fingerprint) =>
  document.querySelector(`[data-fingerprint="${CSS.escape(fingerprint)}"]`);

function jumpTo(target) {
  if (!target) return;
  body.scrollTop += target.getBoundingClientRect().top - body.getBoundingClientRect().top;
  target.focus({ preventScroll: true });
}

function turn(button) {
  const { of, page } = button.dataset;
  attempt(() => reload(document.getElementById(of), { page: Number(page) }));
}

let typing;

document.addEventListener("input", ({ target }) => {
  const form = target.closest("[data-search]");
  if (!form) return;
  clearTimeout(typing);
  typing = setTimeout(
    () => attempt(() => reload(document.getElementById(form.dataset.search))),
    TYPING_PAUSE_MS,
  );
});

document.addEventListener("submit", (event) => event.preventDefault());

document.addEventListener("readiness-asked", ({ detail }) => {
  pair = detail.pair;
  tell();
});

// An acceptance or an expected difference: everything that is shown may be another one now.
document.addEventListener("judged", async ({ detail }) => {
  tell({ changed: true });
  const { scrollTop } = body;
  await load();
  body.scrollTop = scrollTop;
  const target = (detail.focus && findingOf(detail.focus)) || document.getElementById("findings");
  target.focus({ preventScroll: true });
  target.scrollIntoView({ block: "nearest" });
});

document.getElementById("title").focus();
const given = await host.dialog.given();
api = String(given.api ?? "");
body.dataset.all = String(given.all === true);
pair = String(given.ready ?? "");
if (api) await load();
else document.getElementById("told").textContent = texts.textNoApi;
if (pair) jump("readiness");
else document.getElementById("title").focus();
ready();
