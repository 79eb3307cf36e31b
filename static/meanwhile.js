// Settings that somebody else saved after this form was opened: both versions, and the choice.

import { ofSpace, request } from "./requests.js";

const field = (id) => document.getElementById(id);

// What is stored now, with its version; null when the connection was removed meanwhile.
async function stored() {
  try {
    const response = await request(ofSpace("api", "connection"));
    const version = (response.headers.get("ETag") ?? "").replace(/\D/g, "");
    return { values: await response.json(), version };
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

const labelOf = (id) => document.querySelector(`label[for="${id}"]`)?.firstChild.textContent ?? "";
const optionOf = (id, value) =>
  [...field(id).options].find((option) => option.value === value)?.text ?? value ?? "";

function nameOf(environment) {
  const item = document.querySelector(`#environment_ids li[data-environment-id="${CSS.escape(environment)}"]`);
  return item?.querySelector("[data-name]").textContent ?? environment;
}

// Label, stored, mine: each as a person reads it.
function lines(theirs, mine) {
  const { all, kept, new: fresh } = field("meanwhile-rows").dataset;
  const known = new Map(theirs.environments.map(({ id, name }) => [id, name]));
  const named = (ids) => ids?.map((id) => known.get(id) ?? nameOf(id)).join(", ") ?? all;
  const one = (id) => (id ? named([id]) : "");
  const legend = document.querySelector("#environment-field legend").textContent;
  const baseline = document.querySelector(".baseline-choice span")?.textContent ?? "";
  return [
    [labelOf("control_plane"), ...[theirs, mine].map((v) => optionOf("control_plane", v.control_plane))],
    [labelOf("client_id"), theirs.client_id, mine.client_id],
    [labelOf("client_secret"), kept, mine.client_secret ? fresh : kept],
    [
      labelOf("organization_id"),
      optionOf("organization_id", theirs.organization_id),
      optionOf("organization_id", mine.organization_id ?? theirs.organization_id),
    ],
    [
      legend,
      named(theirs.environments.map(({ id }) => id)),
      mine.environment_ids ? named(mine.environment_ids) : named(theirs.environments.map(({ id }) => id)),
    ],
    [
      baseline,
      one(theirs.baseline_environment_id ?? mine.baseline_environment_id),
      one(mine.baseline_environment_id),
    ],
    [labelOf("sync_interval_hours"), theirs.sync_interval_hours, mine.sync_interval_hours],
    [
      labelOf("ignored_application_suffixes"),
      theirs.ignored_application_suffixes.join(", "),
      mine.ignored_application_suffixes.join(", "),
    ],
  ];
}

function row(cells) {
  const line = document.createElement("tr");
  cells.forEach((text, index) => {
    const cell = document.createElement(index ? "td" : "th");
    if (!index) cell.scope = "row";
    cell.textContent = text;
    line.append(cell);
  });
  return line;
}

function sameRow(text) {
  const line = document.createElement("tr");
  const cell = document.createElement("td");
  cell.colSpan = 3;
  cell.textContent = text;
  line.append(cell);
  return line;
}

// The form stays as it was typed; saving once more goes over the version that is shown here.
export async function showBoth(mine) {
  const found = await stored();
  const rows = field("meanwhile-rows");
  const differing = found ? lines(found.values, mine).filter(([, a, b]) => String(a) !== String(b)) : [];
  rows.replaceChildren(...differing.map(row));
  if (!differing.length) rows.append(sameRow(rows.dataset.same));
  field("settings").dataset.version = found?.version ?? "";
  field("meanwhile").hidden = false;
  field("meanwhile").focus();
}
