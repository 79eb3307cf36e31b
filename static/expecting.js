// Saying that a setting is meant to differ: what each environment may hold, filled in with what is there.

import { busily, closes, judged, placeErrors, say, showProblem, text } from "./judging.js";
import { json } from "./requests.js";

const dialog = document.getElementById("expecting");
const form = document.getElementById("expecting-form");
let policy = "";
let api = "";
let fingerprint = "";

const filled = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
const written = (value) => (typeof value === "string" ? value : JSON.stringify(value));

// A text stays a text, what was a number or a list is read as one again.
function read(typed, original) {
  if (typeof original === "string") return typed;
  try {
    return JSON.parse(typed);
  } catch {
    return typed;
  }
}

function place(environment) {
  const item = filled("expecting-place");
  const [mode, value] = [item.querySelector("[data-mode]"), item.querySelector("[data-value]")];
  item.dataset.environment = environment.id;
  item.querySelector("[data-name]").textContent = environment.name;
  mode.setAttribute("aria-label", mode.dataset.label.replace("{}", () => environment.name));
  value.setAttribute("aria-label", `${value.dataset.label}: ${environment.name}`);
  const isHidden = environment.state === "masked";
  mode.value = isHidden ? "any" : environment.state === "unread" ? "none" : "equals";
  if (isHidden) for (const name of ["equals", "matches"]) mode.querySelector(`[value=${name}]`).remove();
  if (environment.state === "set") value.value = written(environment.value);
  item.original = environment.state === "set" ? environment.value : null;
  item.isUnset = environment.state === "unset";
  showValue(item);
  return item;
}

function showValue(item) {
  const mode = item.querySelector("[data-mode]").value;
  const value = item.querySelector("[data-value]");
  value.hidden = mode === "any" || mode === "none";
  value.placeholder = item.isUnset && mode === "equals" ? value.dataset.unset ?? "" : "";
}

function field(given) {
  const item = filled("expecting-field");
  item.dataset.path = given.path;
  item.querySelector("[data-words]").textContent = given.words;
  item.querySelector("code[data-path]").textContent = given.path;
  item.querySelector("[data-places]").append(...given.environments.map(place));
  return item;
}

function open(button) {
  const given = JSON.parse(button.dataset.expect);
  const item = button.closest("[data-fingerprint]");
  ({ policy } = given);
  api = given.api ?? "";
  fingerprint = item.dataset.fingerprint;
  form.reset();
  placeErrors(form, {});
  document.getElementById("expecting-what").textContent =
    item.querySelector("[data-sentence]").textContent;
  document.getElementById("expecting-fields").replaceChildren(...given.fields.map(field));
  for (const radio of form.elements.scope) radio.checked = radio.value === (api ? "api" : "all");
  form.elements.scope[0].closest("fieldset").hidden = !api;
  dialog.showModal();
}

function allowance(item) {
  const mode = item.querySelector("[data-mode]").value;
  const typed = item.querySelector("[data-value]").value.trim();
  if (mode === "none") return null;
  if (mode === "any") return { any: true };
  if (mode === "matches") return { matches: typed };
  return { equals: typed === "" && item.isUnset ? null : read(typed, item.original) };
}

function values(item) {
  const found = {};
  for (const each of item.querySelectorAll(".expected-place")) {
    const allowed = allowance(each);
    if (allowed) found[each.dataset.environment] = allowed;
  }
  return found;
}

function showFieldProblem(item, failure) {
  const rest = {};
  for (const [name, message] of Object.entries(failure.fields ?? {})) {
    const at = [...item.querySelectorAll(".expected-place")].find(({ dataset }) =>
      name.includes(dataset.environment),
    );
    if (at) {
      at.querySelector("[data-place-error]").textContent = message;
      at.querySelector("[data-value]").setAttribute("aria-invalid", "true");
    } else rest[name] = message;
  }
  showProblem(form, { status: failure.status, message: failure.message, fields: rest });
  const own = item.querySelector("[data-error='values']");
  const said = Object.keys(rest).find((name) => name.startsWith("values"));
  for (const other of form.querySelectorAll("[data-error='values']")) other.textContent = "";
  if (said) own.textContent = rest[said];
  item.querySelector("[aria-invalid='true']")?.focus();
}

function clearPlaces() {
  for (const place of form.querySelectorAll("[data-place-error]")) place.textContent = "";
  for (const input of form.querySelectorAll("[data-value]")) input.removeAttribute("aria-invalid");
}

// One after the other: what is done leaves the form, so that a refused one can be put right alone.
async function expect() {
  clearPlaces();
  placeErrors(form, {});
  const items = [...form.querySelectorAll(".expected-field")];
  const wanted = items.filter((item) => item.querySelector("[data-chosen]").checked);
  if (!wanted.length) return placeErrors(form, { "": text("ChoosePath") });
  const isOne = form.elements.scope.value === "api" && api;
  const note = form.elements.note.value.trim();
  for (const item of wanted) {
    const body = { policy, path: item.dataset.path, note, values: values(item) };
    if (isOne) body.api_id = api;
    try {
      await json("expected-differences", { method: "POST", body });
      item.remove();
    } catch (failure) {
      showFieldProblem(item, failure);
      return;
    }
  }
  dialog.close();
  say(text("ExpectedDone"), text("ExpectedBody"));
  judged(fingerprint);
}

if (dialog) {
  closes(dialog);
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-expect]");
    if (button) open(button);
  });
  dialog.addEventListener("change", ({ target }) => {
    if (target.matches("[data-mode]")) showValue(target.closest(".expected-place"));
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    busily(form.querySelector("[type='submit']"), expect);
  });
}
