// Opening one API from the table: as a dialog of the host, and as part of the address.

import { host } from "./host.js";

const texts = document.body.dataset;

let open = null;

// The address holds the filters, then the API that is open, whether all of it is shown, and from
// where to where its readiness is asked.
export function split(address) {
  const filters = new URLSearchParams(address);
  const api = filters.get("api") ?? "";
  const all = filters.get("all") === "true";
  const ready = filters.get("ready") ?? "";
  for (const name of ["api", "all", "ready"]) filters.delete(name);
  return { filters: filters.toString(), api, all, ready };
}

export function joined({ filters, api, all, ready }) {
  const address = new URLSearchParams(filters);
  if (api) address.set("api", api);
  if (api && all) address.set("all", "true");
  if (api && ready) address.set("ready", ready);
  return address.toString();
}

const rowOf = (api) => document.querySelector(`tr[data-api-id="${CSS.escape(api)}"]`);

export function openApi(filters, api, { all = false, ready = "", isPushed = true } = {}) {
  if (open) return;
  open = { filters, api, all, ready, isPushed };
  if (isPushed) host.address.push(joined(open));
  const name = rowOf(api)?.querySelector(".name")?.textContent ?? "";
  host.dialog.open("drilldown", {
    title: texts.textSecurityOf.replace("{name}", () => name).trim(),
    data: { api, all, ready },
    closed,
  });
}

// Back leads to an address without the API: the dialog goes first.
export function follow(address) {
  const { api } = split(address);
  if (!open || api === open.api) return;
  open.isLeft = true;
  host.dialog.close();
}

function closed() {
  if (!open) return;
  const { filters, api, isPushed, isLeft } = open;
  open = null;
  if (!isLeft && isPushed) host.address.back(filters);
  else if (!isLeft) host.address.replace(filters);
  const button = rowOf(api)?.querySelector("[data-view]");
  window.focus();
  (button ?? document.getElementById("table-region"))?.focus();
}

host.dialog.listen(({ all, ready = "", changed = false }) => {
  if (changed) document.dispatchEvent(new CustomEvent("posture-changed"));
  if (!open) return;
  open.all = all === true;
  open.ready = String(ready);
  host.address.replace(joined(open));
});
