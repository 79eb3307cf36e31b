// Requests to our own server: a fresh token each, and a failure that can be said to a person.

import { host } from "./host.js";

const LONGEST_WAIT_S = 60;
// A short wait is no more than a slow answer; of a longer one the person is told.
const UNSAID_WAIT_S = 5;

const texts = document.body.dataset;

export class Failure extends Error {
  constructor(message, { status = 0, code = "", fields = {}, requestId = "", wait = 0 } = {}) {
    super(message);
    Object.assign(this, { status, code, fields, requestId, wait });
  }
}

async function failureOf(response) {
  const answer = await response.json().catch(() => ({}));
  const error = answer.error ?? {};
  const message = response.status === 401 ? texts.textExpired : (error.message ?? texts.textAway);
  return new Failure(message, {
    status: response.status,
    code: error.code,
    fields: error.fields ?? {},
    requestId: error.request_id,
    wait: toldToWait(response),
  });
}

// Seconds after which to ask again, as far as the server said; 0 where it did not.
function toldToWait(response) {
  if (![429, 502, 503].includes(response.status)) return 0;
  const seconds = Number(response.headers.get("Retry-After"));
  return seconds > 0 ? Math.min(seconds, LONGEST_WAIT_S) : 0;
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

export async function request(path, options = {}) {
  let response = await sent(path, options);
  if (response.status === 401 && (await host.renew())) response = await sent(path, options);
  const wait = toldToWait(response);
  if (wait && wait <= UNSAID_WAIT_S && (options.method ?? "GET") === "GET") {
    await pause(wait, options.signal);
    response = await sent(path, options);
  }
  if (!response.ok) throw await failureOf(response);
  return response;
}

async function sent(path, { method = "GET", body, signal, headers: added }) {
  const authorization = await host.authorization();
  if (authorization === null) throw new Failure(texts.textExpired, { status: 401 });
  const headers = { ...added, Authorization: authorization };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const address = document.documentElement.dataset.basePath + path;
  try {
    return await fetch(address, {
      method,
      headers,
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure(texts.textAway);
  }
}

export function ofSpace(kind, path) {
  return `/${kind}/spaces/${document.documentElement.dataset.spaceId}/${path}`;
}

export async function fragment(path, options) {
  const response = await request(ofSpace("fragments", path), options);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

// What was refused was written down as well: the page that shows the audit log hears of both.
export async function json(path, options) {
  try {
    const response = await request(ofSpace("api", path), options);
    return response.status === 204 ? null : await response.json();
  } finally {
    if (options?.method) document.dispatchEvent(new CustomEvent("written"));
  }
}
