// Pipeline tokens: one is created, shown this once, copied.

import { busily, say, showProblem, placeErrors, text } from "./judging.js";
import { announce } from "./notices.js";
import { json } from "./requests.js";

const field = (id) => document.getElementById(id);

async function make(form) {
  placeErrors(form, {});
  const { name, days } = form.elements;
  const body = { name: name.value.trim() };
  if (Number(days.value)) body.expires_in_days = Number(days.value);
  let made;
  try {
    made = await json("pipeline-tokens", { method: "POST", body });
  } catch (failure) {
    showProblem(form, failure);
    return;
  }
  say(text("TokenMade"), "");
  document.dispatchEvent(new CustomEvent("token-made", { detail: { token: made.token } }));
}

export function showToken(token) {
  field("token-text").value = token;
  field("token-made").hidden = false;
  field("token-made").focus();
}

// The clipboard's own API is closed to frames of another origin; what is selected can be copied.
function copy(area) {
  area.select();
  if (document.execCommand("copy")) announce(document.body.dataset.textCopied);
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-copy]");
  if (button) copy(field(button.dataset.copy));
});

document.addEventListener("submit", (event) => {
  if (event.target.id !== "token-form") return;
  event.preventDefault();
  busily(field("token-make"), () => make(event.target));
});
