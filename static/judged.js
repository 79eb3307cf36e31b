// The settings' lists of what is expected and accepted, the starter set, and the pipeline tokens.

import "./adopting.js";
import { busily, placeErrors, say, text } from "./judging.js";
import { announce, attempt, showFailure } from "./notices.js";
import { dress } from "./page.js";
import { fragment, json } from "./requests.js";
import { showToken } from "./tokens.js";

const PLACES = {
  "expected-differences": "expected",
  exceptions: "exceptions",
  "pipeline-tokens": "tokens",
};
const field = (id) => document.getElementById(id);

const shownEnded = () => field("exceptions")?.dataset.ended === "true";

// A section anew; what is being typed in its forms is not there any more once it was sent.
export async function redraw(list, { page = 1, ended = shownEnded(), focus = true } = {}) {
  const query = new URLSearchParams({ page });
  if (list === "exceptions" && ended) query.set("ended", "true");
  const answer = await fragment(`${list}?${query}`);
  const id = PLACES[list];
  const suggestions = id === "expected" ? field("suggestions") : null;
  field(id).replaceWith(document.adoptNode(answer.getElementById(id)));
  if (suggestions) field("suggestions").replaceWith(suggestions);
  dress();
  if (focus) field(id).focus();
}

// What was asked for is done: only showing it can be tried again.
const redrawn = (list, options) => attempt(() => redraw(list, options));

async function suggest() {
  const place = field("suggestions");
  if (!place) return;
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await fragment("expected-differences/suggestions");
    field("suggestions").replaceWith(document.adoptNode(answer.getElementById("suggestions")));
  } catch (failure) {
    if (failure.status !== 404) showFailure(failure, suggest);
  } finally {
    field("suggestions").removeAttribute("aria-busy");
  }
}

function ask(button) {
  const group = button.parentElement.querySelector("[data-confirm]");
  group.hidden = false;
  group.querySelector("[data-keep]").focus();
}

function keep(group) {
  group.hidden = true;
  group.parentElement.querySelector("[data-ask]").focus();
}

async function withdraw(button) {
  const path = button.dataset.withdraw;
  const [list] = path.split("/");
  try {
    await json(path, { method: "DELETE" });
  } catch (failure) {
    showFailure(failure, () => withdraw(button));
    return;
  }
  say(text(list === "pipeline-tokens" ? "Revoked" : "Withdrawn"), "");
  await redrawn(list);
  if (list === "expected-differences") await suggest();
}

const note = () => field("suggestions-note").value.trim();

async function expect(item) {
  const body = { ...JSON.parse(item.dataset.suggestion), note: note() };
  const place = item.querySelector("[data-item-error]");
  place.textContent = "";
  try {
    await json("expected-differences", { method: "POST", body });
    return true;
  } catch (failure) {
    const { note: ofNote, ...rest } = failure.fields ?? {};
    if (ofNote) placeErrors(field("suggestions-form"), { note: ofNote });
    else place.textContent = Object.values(rest)[0] ?? failure.message;
    return false;
  }
}

// One after the other: each is assessed anew, and one that is refused does not stop the others.
async function expectAll(items) {
  placeErrors(field("suggestions-form"), {});
  let done = 0;
  for (const item of items) {
    if (!(await expect(item))) continue;
    done += 1;
    item.remove();
    announce(text("Progress", { n: done, all: items.length }));
  }
  if (!done) return;
  say(text("ExpectedDone"), text("ExpectedBody"));
  await redrawn("expected-differences", { focus: done === items.length });
  if (done === items.length) await suggest();
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  if ("ask" in button.dataset) ask(button);
  if ("keep" in button.dataset) keep(button.closest("[data-confirm]"));
  if (button.dataset.withdraw) busily(button, () => withdraw(button));
  if (button.dataset.turn) {
    redrawn(button.dataset.turn, { page: button.dataset.to });
  }
  if (button.id === "show-ended") {
    const shown = redrawn("exceptions", { ended: !shownEnded(), focus: false });
    shown.then(() => field("show-ended").focus());
  }
  if ("expectOne" in button.dataset) {
    busily(button, () => expectAll([button.closest("[data-suggestion]")]));
  }
});

document.addEventListener("keydown", ({ key, target }) => {
  const group = key === "Escape" && target.closest?.("[data-confirm]");
  if (group) keep(group);
});

document.addEventListener("submit", (event) => {
  if (event.target.id !== "suggestions-form") return;
  event.preventDefault();
  const items = [...event.target.querySelectorAll("[data-suggestion]")];
  const chosen = items.filter((item) => item.querySelector("[data-chosen]").checked);
  if (chosen.length) busily(field("suggestions-all"), () => expectAll(chosen));
});

document.addEventListener("adopted", () => redrawn("exceptions"));
// The token is shown whatever becomes of the list: nobody can ask for it again.
document.addEventListener("token-made", async ({ detail }) => {
  showToken(detail.token);
  await redrawn("pipeline-tokens", { focus: false });
  showToken(detail.token);
});
document.addEventListener("connection-redrawn", suggest);
suggest();
