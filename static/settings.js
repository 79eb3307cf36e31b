// The settings: test, save and remove the connection; errors stand at their fields.

import { host } from "./host.js";
import { announce, attempt, clearNotice, showFailure } from "./notices.js";
import { showBoth } from "./meanwhile.js";
import { dress, ready } from "./page.js";
import { fragment, json } from "./requests.js";
import { moveEnvironment, showOrganizations, takeEnvironments } from "./environments.js";

const texts = document.body.dataset;
const EXAMPLE = "orders-mobile";

const field = (name) => document.getElementById(name);
const form = () => field("settings");

function suffixes() {
  const typed = field("ignored_application_suffixes").value.split(",");
  return typed.map((item) => item.trim()).filter(Boolean);
}

// What is left out keeps its stored or usual value: an untouched list means "all environments".
function values() {
  const given = {
    control_plane: field("control_plane").value,
    client_id: field("client_id").value.trim(),
    sync_interval_hours: Number(field("sync_interval_hours").value),
    ignored_application_suffixes: suffixes(),
  };
  const secret = field("client_secret").value;
  if (secret) given.client_secret = secret;
  if (field("organization_id").value) given.organization_id = field("organization_id").value;
  if (form().dataset.explicit === "true") {
    const chosen = document.querySelectorAll("[name='environment']:checked");
    given.environment_ids = [...chosen].map((input) => input.value);
  }
  const baseline = document.querySelector("[name='baseline']:checked");
  if (baseline) given.baseline_environment_id = baseline.value;
  return given;
}

function showErrors(fields) {
  for (const place of form().querySelectorAll(".error")) {
    const name = place.id.replace(/-error$/, "");
    const text = fields[name] ?? "";
    place.textContent = text;
    if (text) field(name)?.setAttribute("aria-invalid", "true");
    else field(name)?.removeAttribute("aria-invalid");
  }
  const first = form().querySelector("[aria-invalid='true']:not([hidden])");
  first?.focus();
  if (first) announce(texts.textUnsaved);
  return Boolean(first);
}

function missing() {
  const found = {};
  for (const input of form().querySelectorAll("[data-required]:not([hidden])")) {
    if (!input.value.trim()) found[input.id] = input.dataset.required;
  }
  return found;
}

function fail(error, again) {
  if (error.status === 422) openSecretFor(error.fields);
  const isPlaced = error.status === 422 && showErrors(error.fields);
  if (!isPlaced) showFailure(error, again);
}

function openSecretFor(fields) {
  if (fields.client_secret) replaceSecret();
}

async function busy(button, work) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  clearNotice();
  try {
    await work();
  } catch (error) {
    fail(error, () => busy(button, work));
  } finally {
    button.removeAttribute("aria-busy");
  }
}

// Tried again by itself where it fails: what it follows is done by then.
// Below the connection somebody may be typing, or a token may stand that is shown but once: that
// part comes and goes with the connection, and is left alone otherwise.
async function redraw() {
  const answer = await fragment("settings");
  const [judging, fresh] = [field("judging"), answer.getElementById("judging")];
  field("connection").replaceChildren(...answer.getElementById("connection").childNodes);
  if (!judging.childElementCount || !fresh.childElementCount) {
    judging.replaceChildren(...fresh.childNodes);
  }
  dress();
  preview();
  document.dispatchEvent(new CustomEvent("connection-redrawn"));
  document.querySelector("#connection .message, #client_id").focus();
}

// Over the version that this form shows, and over no other.
async function put(body) {
  const { version } = form().dataset;
  const headers = version ? { "If-Match": `"${version}"` } : {};
  try {
    await json("connection", { method: "PUT", body, headers });
    return true;
  } catch (error) {
    if (error.status !== 409 || !version) throw error;
    await showBoth(body);
    return false;
  }
}

async function save() {
  field("meanwhile").hidden = true;
  if (!(await put(values()))) return;
  host.flag("success", texts.textSaved, texts.textSavedBody);
  await attempt(redraw);
}

async function test() {
  const result = await json("connection/test", { method: "POST", body: values() });
  showOrganizations(result.organizations);
  takeEnvironments(result.environments);
  showResult(result);
}

function filled(id, selector, fill) {
  const copy = field(id).content.cloneNode(true);
  fill(copy.querySelector(selector));
  return copy;
}

function showResult(result) {
  const { ok, environments, problem, missing_scopes: scopes } = result;
  const parts = [];
  if (ok || environments.length > 0) {
    const id = ok ? "test-ok" : "test-found";
    parts.push(filled(id, "[data-found]", (p) => (p.textContent = foundLine(result))));
  } else parts.push(filled("test-failed", "[data-problem]", (p) => (p.textContent = problem)));
  if (scopes.length > 0) {
    parts.push(filled("test-missing", "[data-scopes]", (list) => listScopes(list, scopes)));
  }
  const place = field("test-result");
  place.replaceChildren(...parts);
  place.focus();
}

function foundLine({ organizations, environments, problem }) {
  const select = field("organization_id");
  const organization = select.selectedOptions[0]?.text ?? organizations[0]?.name ?? "Anypoint";
  const names = environments.map(({ name, type }) => `${name} (${type})`).join(", ");
  const line = texts.textFound
    .replace("{organization}", () => organization)
    .replace("{environments}", () => names);
  return problem ? `${line} ${problem}` : line;
}

function listScopes(list, scopes) {
  for (const scope of scopes) {
    const item = document.createElement("li");
    item.textContent = scope;
    list.append(item);
  }
}

// In place, not in a dialog: the frame is as tall as the form, and its middle may be out of sight.
function askToRemove() {
  field("remove-confirmation").hidden = false;
  field("remove-keep").focus();
}

function keepCredentials() {
  field("remove-confirmation").hidden = true;
  field("remove").focus();
}

async function remove() {
  await json("connection", { method: "DELETE" });
  host.flag("success", texts.textRemoved, texts.textRemovedBody);
  await attempt(redraw);
  announce(texts.textRemoved);
}

function replaceSecret() {
  const saved = field("secret-saved");
  if (saved) saved.hidden = true;
  field("client_secret").hidden = false;
}

function preview() {
  const first = suffixes()[0];
  field("suffix-preview").textContent = first
    ? texts.textJoined.replace("{from}", () => EXAMPLE + first).replace("{to}", () => EXAMPLE)
    : "";
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.target !== form()) return;
  if (!showErrors(missing())) busy(field("save"), save);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.move) moveEnvironment(button);
  if (button?.id === "test" && !showErrors(missing())) busy(button, test);
  if (button?.id === "remove") askToRemove();
  if (button?.id === "remove-keep") keepCredentials();
  if (button?.id === "remove-confirm") busy(button, remove);
  if (button?.id === "meanwhile-mine" && !showErrors(missing())) busy(button, save);
  if (button?.id === "meanwhile-stored") busy(button, redraw);
  if (button?.id === "replace-secret") {
    replaceSecret();
    field("client_secret").focus();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.closest?.("#remove-confirmation")) keepCredentials();
});

document.addEventListener("input", (event) => {
  if (event.target.id === "ignored_application_suffixes") preview();
  if (event.target.name === "environment") form().dataset.explicit = "true";
});

preview();
ready();
