// Requests to our own server: a fresh token each, and a failure that can be said to a person.

import { host } from "./host.js";

const texts = document.body.dataset;

export class Failure extends Error {
  constructor(message, { status = 0, code = "", fields = {}, requestId = "" } = {}) {
    super(message);
    Object.assign(this, { status, code, fields, requestId });
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
  });
}

export async function request(path, options = {}) {
  let response = await sent(path, options);
  if (response.status === 401 && (await host.renew())) response = await sent(path, options);
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

export async function json(path, options) {
  const response = await request(ofSpace("api", path), options);
  return response.status === 204 ? null : response.json();
}
