// The audit log on the settings page: turning its pages, keeping up with what is done on the page,
// and taking it along as a file.

import { exportAs } from "./exporting.js";
import { showFailure } from "./notices.js";
import { dress } from "./page.js";
import { fragment } from "./requests.js";

// Several changes in a row are told as one.
const PAUSE_MS = 300;

const log = () => document.getElementById("audit");
// Of several answers on their way the last one asked for counts.
let asked = 0;
let waiting = null;

async function show(page) {
  const mine = ++asked;
  const answer = await fragment(`audit?page=${Number(page)}`);
  if (mine !== asked) return;
  const { activeElement } = document;
  const isInside = log().contains(activeElement);
  log().replaceWith(document.adoptNode(answer.getElementById("audit")));
  dress();
  if (isInside) (document.getElementById(activeElement.id) ?? log()).focus({ preventScroll: true });
}

async function turnTo(page) {
  try {
    await show(page);
    log().focus();
  } catch (error) {
    showFailure(error, () => turnTo(page));
  }
}

// Nobody asked for this: where it fails, the log stays as it is until the next change.
function keepUp() {
  clearTimeout(waiting);
  waiting = setTimeout(() => show(log().dataset.page).catch(() => {}), PAUSE_MS);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.auditPage) turnTo(button.dataset.auditPage);
  if (button?.id === "audit-export") exportAs(button, "").then(keepUp);
});

document.addEventListener("written", keepUp);
