// The audit log on the settings page: turning its pages, and taking it along as a file.

import { exportAs } from "./exporting.js";
import { showFailure } from "./notices.js";
import { dress } from "./page.js";
import { fragment } from "./requests.js";

async function turnTo(page) {
  try {
    const answer = await fragment(`audit?page=${Number(page)}`);
    document.getElementById("audit").replaceWith(answer.getElementById("audit"));
    dress();
    document.getElementById("audit").focus();
  } catch (error) {
    showFailure(error, () => turnTo(page));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.auditPage) turnTo(button.dataset.auditPage);
  if (button?.id === "audit-export") exportAs(button, "");
});
