// Accepting findings until a date, one or several; and withdrawing an acceptance.

import {
  acceptance,
  busily,
  closes,
  findings,
  judged,
  offerDates,
  say,
  sayAccepted,
  showProblem,
  text,
} from "./judging.js";
import { showFailure } from "./notices.js";
import { json } from "./requests.js";

const dialog = document.getElementById("accepting");
const form = document.getElementById("accepting-form");
let chosen = [];

const itemOf = (fingerprint) =>
  document.querySelector(`[data-fingerprint="${CSS.escape(fingerprint)}"]`);

function open(fingerprints) {
  chosen = fingerprints;
  form.reset();
  showProblem(form, { status: 422, fields: {} });
  const only = fingerprints.length === 1 ? itemOf(fingerprints[0]) : null;
  const what = only?.querySelector("[data-sentence]")?.textContent;
  document.getElementById("accepting-what").textContent = what ?? findings(fingerprints.length);
  offerDates(form.elements.until);
  dialog.showModal();
}

async function accept() {
  const fingerprints = chosen;
  const body = { fingerprints, ...acceptance(form) };
  try {
    await json("exceptions", { method: "POST", body });
  } catch (failure) {
    showProblem(form, failure);
    return;
  }
  dialog.close();
  sayAccepted(fingerprints.length);
  judged(fingerprints[0]);
}

export async function withdrawException(button) {
  await busily(button, async () => {
    try {
      await json(`exceptions/${button.dataset.withdrawException}`, { method: "DELETE" });
      say(text("Withdrawn"), text("WithdrawnBody"));
      judged(button.closest("[data-fingerprint]")?.dataset.fingerprint);
    } catch (failure) {
      showFailure(failure, () => withdrawException(button));
    }
  });
}

const boxes = () => [...document.querySelectorAll("[data-choose]")];
const marked = () => boxes().filter((box) => box.checked);

function countChosen() {
  const number = marked().length;
  const button = document.getElementById("accept-chosen");
  const all = document.getElementById("choose-all");
  if (!button || !all) return;
  button.hidden = number === 0;
  button.querySelector("[data-number]").textContent = `(${number})`;
  all.checked = number > 0 && number === boxes().length;
  all.indeterminate = number > 0 && !all.checked;
}

if (dialog) {
  closes(dialog);
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button?.dataset.accept) open([button.dataset.accept]);
    if (button?.id === "accept-chosen") open(marked().map((box) => box.dataset.choose));
    if (button?.dataset.withdrawException) withdrawException(button);
  });
  document.addEventListener("change", ({ target }) => {
    if (target.id === "choose-all") boxes().forEach((box) => (box.checked = target.checked));
    if (target.id === "choose-all" || target.matches("[data-choose]")) countChosen();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    busily(form.querySelector("[type='submit']"), accept);
  });
}
