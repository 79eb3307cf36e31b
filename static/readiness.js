// May this API go from one environment to another? Asked when wanted, shown with its findings.

import { busily, placeErrors, showProblem, text } from "./judging.js";
import { announce } from "./notices.js";
import { json } from "./requests.js";

const VERDICTS = {
  true: ["aligned", "Ready", "ReadyLine"],
  false: ["threat", "Blocked", "BlockedLine"],
  null: ["unknown", "NotTold", "NotToldLine"],
};
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

const form = () => document.getElementById("readiness-form");
const result = () => document.getElementById("readiness-result");

function made(tag, className = "", content = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = content;
  return element;
}

function verdict(answer) {
  const [look, word, line] = VERDICTS[answer.ready];
  const isWarned = answer.ready === true && answer.warnings.length > 0;
  const names = { from: answer.from?.name ?? "", to: answer.to?.name ?? "" };
  const said = answer.sync ? text(isWarned ? "ReadyWarned" : line, names) : text("NeverSynced");
  const paragraph = made("p", "readiness-verdict");
  paragraph.append(made("span", `lozenge icon ${look}`, text(word)), ` ${said}`);
  return paragraph;
}

function point(item) {
  const line = made("li", "readiness-point");
  const { severity } = item;
  if (severity) line.append(made("span", `severity icon ${severity}`, severity));
  line.append(made("span", "readiness-sentence", item.sentence));
  if (item.accepted_until) {
    const date = day.format(new Date(item.accepted_until));
    line.append(made("span", "subtle icon icon-accepted", text("AcceptedUntil", { date })));
  }
  const fingerprint = item.finding?.fingerprint;
  if (fingerprint && document.querySelector(`[data-fingerprint="${CSS.escape(fingerprint)}"]`)) {
    const button = made("button", "button button-link", text("ShowFinding"));
    button.type = "button";
    button.dataset.finding = fingerprint;
    button.setAttribute("aria-label", `${text("ShowFinding")}: ${item.sentence}`);
    line.append(button);
  }
  return line;
}

function group(title, points) {
  if (!points.length) return [];
  const heading = made("h3", "", `${title} `);
  heading.append(made("span", "badge", String(points.length)));
  const list = made("ul", "readiness-list");
  list.append(...points.map(point));
  return [heading, list];
}

function exported(query) {
  const paragraph = made("p", "actions");
  const button = made("button", "button button-link icon icon-export", result().dataset.exportLabel);
  button.type = "button";
  button.dataset.export = "csv";
  button.dataset.exportPath = `readiness.csv?${query}`;
  paragraph.append(button);
  return paragraph;
}

// The pair as it stands in the address, so that a link asks the same again.
export const asked = () => {
  const { from, to } = form().elements;
  return `${from.value}~${to.value}`;
};

async function check() {
  const { from, to } = form().elements;
  const query = new URLSearchParams({ from: from.value, to: to.value, api_id: form().dataset.api });
  placeErrors(form(), {});
  try {
    const answer = await json(`readiness?${query}`);
    const { blockers, warnings, unknown } = result().dataset;
    result().replaceChildren(
      verdict(answer),
      ...group(blockers, answer.blockers),
      ...group(warnings, answer.warnings),
      ...group(unknown, answer.unknown),
      exported(query),
    );
    announce(result().querySelector(".readiness-verdict").textContent);
    document.dispatchEvent(new CustomEvent("readiness-asked", { detail: { pair: asked() } }));
  } catch (failure) {
    result().replaceChildren();
    if (failure.status === 422) return showProblem(form(), failure);
    result().append(made("p", "error", failure.message));
    announce(failure.message);
  }
}

export function askReadiness() {
  return busily(document.getElementById("readiness-check"), check);
}

// What a link or the answer before asked for; without it nothing is asked until somebody does.
export async function resumeReadiness(pair) {
  if (!pair || !form()) return;
  const [from, to] = pair.split("~");
  for (const [select, value] of [[form().elements.from, from], [form().elements.to, to]]) {
    if ([...select.options].some((option) => option.value === value)) select.value = value;
  }
  await askReadiness();
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "readiness-form") return;
  event.preventDefault();
  askReadiness();
});
