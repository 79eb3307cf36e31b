// What every page does when it is up: the host's theme, links into the product, local times.

import { host } from "./host.js";
import { localise } from "./times.js";

const EVERY_MINUTE_MS = 60_000;

export function ready() {
  document.documentElement.dataset.ready = "true";
}

export function dress(scope = document) {
  host.link(scope);
  localise(scope);
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-reload]")) host.reload();
  if (event.target.closest("[data-close]")) host.dialog.close();
});

host.theme();
dress();
setInterval(localise, EVERY_MINUTE_MS);
if (!document.querySelector("[data-part], #connection, #macro")) ready();
