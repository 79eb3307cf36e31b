// A macro's editor: what it shows, frozen or live, with a preview of just that.

import { host } from "./host.js";
import { announce, attempt, clearNotice, showFailure } from "./notices.js";
import { dress, ready } from "./page.js";
import { fragment, json } from "./requests.js";
import { apiField } from "./macro-api.js";

const TYPING_PAUSE_MS = 250;
const MANY = ["environment", "group", "verdict", "severity", "kind"];

const form = document.getElementById("macro");
const kind = form?.dataset.kind;
const preview = document.getElementById("preview");
const command = crypto.randomUUID();

let typing;
let running = null;
let listed = 0;
let isFilled = false;
let isSaving = false;

const chosen = (name) => form.elements[name]?.value ?? "";

// As the tab's address has it: what is chosen, and nothing else.
function filter() {
  const said = new URLSearchParams();
  const search = chosen("search").trim();
  if (search) said.set("search", search);
  for (const [name, value] of new FormData(form)) {
    if (MANY.includes(name) && value) said.append(name, value);
  }
  return said.toString();
}

function subject() {
  if (kind === "api") return { api: apiField.value(), display: chosen("display") };
  if (kind === "overview") return { filter: filter() };
  return { days: chosen("days") };
}

function isTaking() {
  return chosen("mode") === "frozen" && !chosen("snapshot");
}

function arrange() {
  document.getElementById("frozen-fields").hidden = chosen("mode") !== "frozen";
  document.getElementById("taking-fields").hidden = !isTaking();
  for (const dropdown of form.querySelectorAll(".dropdown")) {
    const isUsed = [...dropdown.querySelectorAll("input:checked")].some((input) => input.value);
    dropdown.classList.toggle("is-used", isUsed);
  }
}

// What is about to be frozen looks like what is live.
function previewQuery() {
  const mode = isTaking() ? "live" : chosen("mode");
  return new URLSearchParams({ kind, mode, snapshot: chosen("snapshot"), ...subject() });
}

async function show() {
  arrange();
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  preview.setAttribute("aria-busy", "true");
  try {
    const answer = await fragment(`macro-preview?${previewQuery()}`, { signal });
    if (signal.aborted) return;
    clearNotice();
    preview.replaceChildren(...answer.body.childNodes);
    dress(preview);
    await count(signal);
  } catch (error) {
    if (error.name !== "AbortError") showFailure(error, show);
  } finally {
    if (!signal.aborted) preview.removeAttribute("aria-busy");
  }
}

async function count(signal) {
  const line = document.getElementById("filter-count");
  if (!line) return;
  const wanted = new URLSearchParams(filter());
  wanted.set("size", "1");
  const found = await json(`posture?${wanted}`, { signal });
  line.textContent = document.body.dataset.textMatching
    .replace("{found}", found.total.toLocaleString())
    .replace("{all}", found.summary.total.toLocaleString());
}

async function listSnapshots(selected = "") {
  const wanted = new URLSearchParams({ kind });
  if (kind === "api" && apiField.value()) wanted.set("api", apiField.value());
  const mine = ++listed;
  const answer = await fragment(`snapshot-options?${wanted}`);
  if (mine !== listed) return;
  const select = document.getElementById("snapshot");
  select.replaceChildren(...answer.querySelectorAll("option"));
  dress(select);
  select.value = [...select.options].some((option) => option.value === selected) ? selected : "";
}

async function taken() {
  const body = { title: chosen("title").trim(), note: chosen("note").trim() };
  if (kind === "api") body.api_id = apiField.value();
  if (kind === "overview") body.filter = filterBody();
  const headers = { "Idempotency-Key": command };
  return (await json("snapshots", { method: "POST", body, headers })).id;
}

function filterBody() {
  const said = new URLSearchParams(filter());
  const body = {};
  for (const name of said.keys()) body[name] = MANY.includes(name) ? said.getAll(name) : said.get(name);
  return body;
}

async function save() {
  if (!isFilled) return attempt(begin);
  if (isSaving || (kind === "api" && !apiField.check())) return;
  isSaving = true;
  try {
    const mode = chosen("mode");
    const snapshot = isTaking() ? await taken() : mode === "frozen" ? chosen("snapshot") : "";
    host.macro.save({ ...subject(), mode, snapshot });
  } catch (error) {
    isSaving = false;
    showFailure(error, save);
  }
}

// Until it is known what the macro holds, saving would put something else in its place.
async function begin() {
  await fill();
  isFilled = true;
  await show();
}

// What the macro holds already; an address that was pasted leads to its API.
async function fill() {
  const said = await host.macro.parameters();
  const mode = said.mode || (said.instance && !said.snapshot ? "live" : "frozen");
  form.elements.mode.value = mode;
  if (kind === "api") {
    if (said.display) form.elements.display.value = said.display;
    await apiField.choose(said.api ?? "", said.instance ?? "");
  }
  if (kind === "overview") fillFilter(new URLSearchParams(said.filter ?? ""));
  if (kind === "trend" && said.days) form.elements.days.value = said.days;
  await listSnapshots(said.snapshot ?? "");
}

function fillFilter(said) {
  form.elements.search.value = said.get("search") ?? "";
  for (const input of form.querySelectorAll(".menu input")) {
    input.checked = said.getAll(input.name).includes(input.value);
  }
}

if (form) {
  form.addEventListener("input", (event) => {
    if (["title", "note", "api-search"].includes(event.target.id)) return;
    clearTimeout(typing);
    typing = setTimeout(show, event.target.id === "search" ? TYPING_PAUSE_MS : 0);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  form.addEventListener("api-chosen", () => {
    announce(document.getElementById("api-search").value);
    attempt(async () => {
      await listSnapshots(chosen("snapshot"));
      await show();
    });
  });
  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll(".dropdown[open]")) {
      if (open !== event.target.closest(".dropdown")) open.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    const open = event.target.closest?.(".dropdown[open]");
    if (event.key !== "Escape" || !open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
  host.macro.onSubmit(save);
  arrange();
  await attempt(begin);
  form.querySelector("#api-search, #search, input:checked")?.focus();
}
ready();
