// A field that finds an API while its name is typed: a combobox with a list, for keys and mouse.

import { fragment } from "./requests.js";

const TYPING_PAUSE_MS = 200;

const input = document.getElementById("api-search");
const list = document.getElementById("api-options");
const line = document.getElementById("api-line");
const error = document.getElementById("api-error");

let value = "";
let typing;
let running = null;

const options = () => [...list.querySelectorAll("[role='option']")];
const active = () => options().find((option) => option.id === input.getAttribute("aria-activedescendant"));

function open(isOpen) {
  list.hidden = !isOpen;
  input.setAttribute("aria-expanded", String(isOpen));
  if (!isOpen) point(null);
}

function point(option) {
  for (const each of options()) each.setAttribute("aria-selected", String(each === option));
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
  option?.scrollIntoView({ block: "nearest" });
}

function fault(text) {
  error.textContent = text;
  input.toggleAttribute("aria-invalid", text !== "");
  if (text) input.setAttribute("aria-invalid", "true");
}

function take(option) {
  value = option.dataset.value;
  input.value = option.dataset.name;
  fault("");
  open(false);
  input.dispatchEvent(new CustomEvent("api-chosen", { bubbles: true }));
}

async function ask(query) {
  running?.abort();
  running = new AbortController();
  const answer = await fragment(`api-options?${new URLSearchParams(query)}`, {
    signal: running.signal,
  });
  return answer.querySelector("[data-line]");
}

async function find() {
  try {
    const found = await ask({ search: input.value.trim() });
    list.replaceChildren(...found.children);
    line.textContent = found.dataset.line;
    open(options().length > 0 && document.activeElement === input);
  } catch (failure) {
    if (failure.name !== "AbortError") line.textContent = failure.message;
  }
}

function step(by) {
  const all = options();
  if (list.hidden || !all.length) return void find();
  const place = all.indexOf(active());
  point(all[(place + by + all.length + (place < 0 && by < 0 ? 1 : 0)) % all.length]);
}

const KEYS = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  Enter: () => active() && take(active()),
  Escape: () => open(false),
};

if (input) {
  input.addEventListener("input", () => {
    value = "";
    // What is listed was found by fewer letters: nobody shall choose from it in haste.
    list.replaceChildren();
    open(false);
    clearTimeout(typing);
    typing = setTimeout(find, TYPING_PAUSE_MS);
  });
  input.addEventListener("focus", () => input.value || find());
  input.addEventListener("blur", () => open(false));
  input.addEventListener("keydown", (event) => {
    if (!(event.key in KEYS) || (list.hidden && event.key !== "ArrowDown")) return;
    event.preventDefault();
    event.stopPropagation();
    KEYS[event.key]();
  });
  // Before the field loses its focus, which would close the list.
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[role='option']");
    if (option) take(option);
  });
}

export const apiField = {
  value: () => value,

  check() {
    if (!value) fault(input.dataset.required);
    if (!value) input.focus();
    return value !== "";
  },

  async choose(api, instance) {
    if (!api && !instance) return;
    const found = await ask(api ? { api } : { instance });
    const option = found.querySelector("[role='option']");
    if (!option) return;
    value = option.dataset.value;
    input.value = option.dataset.name;
    line.textContent = "";
  },
};
