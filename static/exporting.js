// Exports as files: fetched with a fresh token, saved by the browser, with the text to copy instead.

import { announce, clearNotice, showFailure, showMessage } from "./notices.js";
import { Failure, ofSpace, request } from "./requests.js";

const REVOKE_AFTER_MS = 60_000;

const texts = document.body.dataset;

function nameOf(response) {
  const told = response.headers.get("Content-Disposition") ?? "";
  return /filename="([\w.-]+)"/.exec(told)?.[1] ?? "plumbline-export";
}

async function wholeBody(response) {
  try {
    return await response.blob();
  } catch {
    throw new Failure(texts.textExportBroken);
  }
}

function save(file, name) {
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(file);
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), REVOKE_AFTER_MS);
}

// The clipboard's own API is closed to frames of another origin; what is selected can be copied.
function copy(area) {
  area.select();
  if (document.execCommand("copy")) announce(texts.textCopied);
}

async function showText(file, name) {
  const area = document.createElement("textarea");
  area.className = "input";
  area.readOnly = true;
  area.rows = 12;
  area.value = await file.text();
  area.setAttribute("aria-label", name);
  showMessage("information", name, [area], [
    [texts.textCopy, () => copy(area)],
    [texts.textClose, clearNotice],
  ]);
  area.focus();
  area.select();
  area.scrollTop = 0;
}

// A frame without leave to download blocks it silently: nobody can tell but the person.
function offerText(file, name) {
  showMessage("success", texts.textExported.replace("{name}", name), [], [
    [texts.textShowText, () => showText(file, name)],
    [texts.textClose, clearNotice],
  ]);
}

export async function exportAs(button, state) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  clearNotice();
  announce(texts.textExporting);
  try {
    const whole = `posture.${button.dataset.export}${state ? `?${state}` : ""}`;
    const path = button.dataset.exportPath ?? whole;
    const response = await request(ofSpace("api", path));
    const file = await wholeBody(response);
    save(file, nameOf(response));
    offerText(file, nameOf(response));
  } catch (error) {
    showFailure(error, () => exportAs(button, state));
  } finally {
    button.removeAttribute("aria-busy");
  }
}
