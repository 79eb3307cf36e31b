// The list of environments: what a test found joins what was chosen, in the person's order.

const list = () => document.getElementById("environment_ids");
const texts = document.body.dataset;

function show(id) {
  document.getElementById(id).hidden = false;
}

export function showOrganizations(organizations) {
  const select = document.getElementById("organization_id");
  if (organizations.length === 0) return;
  const chosen = select.value || organizations[0].id;
  const options = organizations.map(({ id, name }) => new Option(name, id, false, id === chosen));
  select.replaceChildren(...options);
  show("organization-field");
}

function row({ id, name, type }, isChosen) {
  const copy = document.getElementById("environment-template").content.cloneNode(true);
  const item = copy.querySelector("li");
  item.dataset.environmentId = id;
  item.querySelector("[data-name]").textContent = name;
  item.querySelector("[data-type]").textContent = `(${type})`;
  for (const input of item.querySelectorAll("input")) input.value = id;
  item.querySelector("[name='environment']").checked = isChosen;
  for (const button of item.querySelectorAll("[data-move]")) {
    const label = texts.textMove.replace("{name}", () => name);
    button.setAttribute("aria-label", `${label} ${button.dataset.move}`);
  }
  return item;
}

// Of another organisation nothing that was listed before applies.
export function takeEnvironments(environments) {
  if (environments.length === 0) return;
  const known = new Set(environments.map(({ id }) => id));
  for (const item of [...list().children]) {
    if (!known.has(item.dataset.environmentId)) item.remove();
  }
  const present = new Set([...list().children].map((item) => item.dataset.environmentId));
  const isFirst = present.size === 0;
  for (const environment of environments) {
    const isChosen = isFirst && environment.type !== "design";
    if (!present.has(environment.id)) list().append(row(environment, isChosen));
  }
  chooseBaseline(environments);
  document.getElementById("scope-hint").hidden = true;
  show("environment-field");
}

function chooseBaseline(environments) {
  if (list().querySelector("[name='baseline']:checked")) return;
  const usual = environments.find(({ type }) => type === "production") ?? environments[0];
  const item = [...list().children].find((one) => one.dataset.environmentId === usual.id);
  item.querySelector("[name='baseline']").checked = true;
}

export function moveEnvironment(button) {
  const item = button.closest("li");
  const isUp = button.dataset.move === "up";
  const neighbour = isUp ? item.previousElementSibling : item.nextElementSibling;
  if (!neighbour) return;
  if (isUp) neighbour.before(item);
  else neighbour.after(item);
  document.getElementById("settings").dataset.explicit = "true";
  button.focus();
}
