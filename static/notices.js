// What is said to the person: politely for results, at once and in place for what went wrong.

import { host } from "./host.js";

const texts = document.body.dataset;

export function announce(text) {
  document.getElementById("announcement").textContent = text;
}

let opener = null;

// Who closes it with the keyboard goes on where they were when it came.
export function clearNotice() {
  const notice = document.getElementById("notice");
  const isInside = notice.contains(document.activeElement);
  notice.replaceChildren();
  window.removeEventListener("resize", intoSight);
  if (isInside) stillThere(opener)?.focus();
}

// What was drawn anew meanwhile has the same id; what is gone leaves the focus to the page's middle.
function stillThere(element) {
  if (element?.isConnected && element !== document.body) return element;
  return document.getElementById(element?.id) ?? document.querySelector("main [tabindex]");
}

function show(section) {
  const notice = document.getElementById("notice");
  if (!notice.contains(document.activeElement)) opener = document.activeElement;
  notice.replaceChildren(section);
  intoSight();
  window.addEventListener("resize", intoSight);
}

// A frame as tall as its page grows by the message afterwards: until then there is no such place.
// Not the first resize counts but the one that takes the whole page: an earlier one may be late.
function intoSight() {
  document.getElementById("notice").scrollIntoView({ block: "nearest" });
  const isWhole = document.documentElement.scrollHeight <= window.innerHeight + 1;
  if (isWhole) window.removeEventListener("resize", intoSight);
}

function button(label, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "button button-link";
  element.textContent = label;
  element.addEventListener("click", act);
  return element;
}

function paragraph(text, className = "") {
  const element = document.createElement("p");
  element.className = className;
  element.textContent = text;
  return element;
}

// A message of one of the kinds of section messages; `actions` are pairs of label and act.
export function showMessage(kind, text, content, actions) {
  const section = document.createElement("section");
  section.className = `message message-${kind}`;
  const bar = document.createElement("div");
  bar.className = "actions";
  bar.append(...actions.map(([label, act]) => button(label, act)));
  section.append(paragraph(text), ...content, bar);
  show(section);
}

// What fails can be tried again, as often as it fails.
export async function attempt(work) {
  try {
    await work();
  } catch (failure) {
    showFailure(failure, work);
  }
}

// The message stays until the next attempt; `again` is what was attempted, or what helps instead.
export function showFailure(failure, again, label = texts.textAgain) {
  const section = document.createElement("section");
  section.className = "message message-error";
  const details = failure.requestId ? `${texts.textRequest} ${failure.requestId}` : "";
  const act =
    failure.status === 401
      ? button(texts.textReload, () => host.reload())
      : button(label, () => {
          clearNotice();
          attempt(again);
        });
  const actions = document.createElement("div");
  actions.className = "actions";
  actions.append(act);
  section.append(paragraph(failure.message), paragraph(details, "small subtle"), actions);
  show(section);
}
