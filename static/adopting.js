// Adopting today's findings: all open ones up to a severity, with one reason and date.

import { acceptance, busily, findings, offerDates, placeErrors, sayAccepted, showProblem } from "./judging.js";
import { json } from "./requests.js";

const SEVERITIES = ["critical", "high", "medium", "low", "info"];
const PAGE = 500;
const AT_ONCE = 500;

const field = (id) => document.getElementById(id);
let found = null;
let counting = 0;

async function open(severities) {
  const fingerprints = [];
  for (let page = 1, total = 1; (page - 1) * PAGE < total; page += 1) {
    const query = new URLSearchParams({ page, size: PAGE });
    for (const severity of severities) query.append("severity", severity);
    const answer = await json(`findings?${query}`);
    total = answer.total;
    fingerprints.push(...answer.findings.filter((each) => !each.accepted).map((each) => each.fingerprint));
  }
  return fingerprints;
}

// How many there are stands there before anything is done.
async function count() {
  const mine = ++counting;
  found = null;
  const at = SEVERITIES.indexOf(field("adopt-severity").value);
  const chosen = await open(SEVERITIES.slice(at));
  const rest = at ? await open(SEVERITIES.slice(0, at)) : [];
  if (mine !== counting) return;
  found = chosen;
  const { line, none } = field("adopt-form").dataset;
  field("adopt-count").textContent = chosen.length
    ? `${line.replace("{n}", () => findings(chosen.length))} ${told(rest.length)}`.trim()
    : none;
}

function told(rest) {
  const { restOne, restMany } = field("adopt-form").dataset;
  if (!rest) return "";
  return rest === 1 ? restOne : restMany.replace("{rest}", () => String(rest));
}

function recount() {
  count().catch((failure) => showProblem(field("adopt-form"), failure));
}

async function adopt(form) {
  placeErrors(form, {});
  try {
    if (!found) await count();
  } catch (failure) {
    return showProblem(form, failure);
  }
  if (!found?.length) return;
  let done = 0;
  let failed = null;
  try {
    while (found.length) {
      const body = { fingerprints: found.slice(0, AT_ONCE), ...acceptance(form) };
      await json("exceptions", { method: "POST", body });
      done += body.fingerprints.length;
      found = found.slice(AT_ONCE);
    }
  } catch (failure) {
    failed = failure;
  }
  if (done) sayAccepted(done);
  // The form stays as it is for what is left.
  if (failed) return showProblem(form, failed);
  document.dispatchEvent(new CustomEvent("adopted"));
}

document.addEventListener(
  "toggle",
  ({ target }) => {
    if (target.id !== "adopt" || !target.open) return;
    offerDates(field("adopt-until"));
    recount();
  },
  true,
);

document.addEventListener("change", ({ target }) => {
  if (target.id === "adopt-severity") recount();
});

document.addEventListener("submit", (event) => {
  if (event.target.id !== "adopt-form") return;
  event.preventDefault();
  busily(field("adopt-submit"), () => adopt(event.target));
});
