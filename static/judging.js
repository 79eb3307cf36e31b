// What the forms about expected and accepted findings share: errors in place, dates, texts, flags.

import { host } from "./host.js";
import { announce } from "./notices.js";

const DAY_MS = 86_400_000;
const MOST_DAYS = 364;
const USUAL_DAYS = 90;

const texts = document.body.dataset;

export const text = (name, values = {}) =>
  Object.entries(values).reduce(
    (said, [key, value]) => said.replaceAll(`{${key}}`, () => value),
    texts[`text${name}`] ?? "",
  );

export const findings = (n) => (n === 1 ? text("FindingOne") : text("FindingMany", { n }));

function controlOf(place) {
  const field = place.closest(".field, .expected-place, .expected-field") ?? place.parentElement;
  return field.querySelector("[aria-describedby], input, select, textarea");
}

// Each message at its field, what has none at the foot of the form; the first one gets the focus.
export function placeErrors(form, fields) {
  const left = { ...fields };
  let first = null;
  for (const place of form.querySelectorAll("[data-error]")) {
    const name = place.dataset.error;
    if (!name) continue;
    const said = Object.keys(left).find((key) => key === name || key.startsWith(`${name}.`));
    place.textContent = said ? left[said] : "";
    const control = controlOf(place);
    if (said) {
      delete left[said];
      control?.setAttribute("aria-invalid", "true");
      first ??= control;
    } else control?.removeAttribute("aria-invalid");
  }
  const foot = form.querySelector("[data-error='']");
  if (foot) foot.textContent = Object.values(left).join(" ");
  first?.focus();
  if (first) announce(texts.textUnsaved);
}

export function showProblem(form, failure) {
  const isField = failure.status === 422 && Object.keys(failure.fields).length > 0;
  placeErrors(form, isField ? failure.fields : { "": failure.message });
}

const day = (time) => {
  const pad = (number) => String(number).padStart(2, "0");
  return `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}`;
};

export function offerDates(input) {
  input.min = day(new Date());
  input.max = day(new Date(Date.now() + MOST_DAYS * DAY_MS));
  input.value ||= day(new Date(Date.now() + USUAL_DAYS * DAY_MS));
}

// The end of the chosen day where the person is; what is no date is left for the server to refuse.
export function endOf(input) {
  const [year, month, date] = input.value.split("-").map(Number);
  if (!date) return "";
  return new Date(year, month - 1, date, 23, 59, 59).toISOString();
}

export function acceptance(form) {
  const { reason, note, until } = form.elements;
  return { reason: reason.value, note: note.value.trim(), until: endOf(until) };
}

export async function busily(button, work) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

export function say(title, body) {
  host.flag("success", title, body);
  announce(title);
}

export function sayAccepted(n) {
  if (n === 1) say(text("AcceptedOne"), text("AcceptedBodyOne"));
  else say(text("AcceptedMany", { n }), text("AcceptedBodyMany"));
}

// Whoever shows findings shows them anew; `focus` is the finding that it was about.
export function judged(focus = "") {
  document.dispatchEvent(new CustomEvent("judged", { detail: { focus } }));
}

// A native dialog: the backdrop is the dialog itself, its content fills it. Escape is for this one
// alone: the host would close its own dialog around it as well.
export function closes(dialog) {
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") event.stopPropagation();
  });
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.closest("[data-cancel]")) dialog.close();
  });
}
