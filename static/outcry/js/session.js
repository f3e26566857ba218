// The login session of this page: a short access token kept in memory, and requests that carry it.
// Used by feed.js (the socket) and by whoever asks over HTTP.

import { parseExact } from "./numbers.js";

const csrf = document.querySelector('meta[name="csrf-token"]').content;
const RENEW_BEFORE_MS = 60_000;

let held = null; // {token, goodUntil}
let asking = null;

/** Ask again in a moment: the venue is there, but not ready. */
export class NotReady extends Error {}

/** A good access token; sends the visitor to log in when the session has ended. NotReady while the web is away. */
export async function token() {
  if (held && Date.now() < held.goodUntil) return held.token;
  asking ??= mint().finally(() => {
    asking = null;
  });
  return asking;
}

/** The next request asks for a new token: accounts were opened, or the old one was refused. */
export function forget() {
  held = null;
}

async function mint() {
  let answer;
  try {
    answer = await fetch("/session/token", {
      method: "POST",
      headers: { "X-CSRFToken": csrf, Accept: "application/json" },
    });
  } catch {
    throw new NotReady("no answer");
  }
  if (answer.status === 401 || answer.status === 403) {
    location.assign("/login");
    return new Promise(() => {});
  }
  if (!answer.ok) throw new NotReady(`status ${answer.status}`);
  const body = await answer.json();
  held = { token: body.token, goodUntil: Date.now() + body.expires_in * 1000 - RENEW_BEFORE_MS };
  return held.token;
}

/** GET JSON of /api or a page's data, numbers as texts; NotReady when it cannot be had now. */
export async function getJson(path, isApi = true) {
  const headers = { Accept: "application/json" };
  if (isApi) headers.Authorization = `Bearer ${await token()}`;
  let answer;
  try {
    answer = await fetch(path, { headers });
  } catch {
    throw new NotReady(path);
  }
  if (answer.status === 401) {
    forget();
    if (!isApi) location.assign("/login");
    throw new NotReady(path);
  }
  if (!answer.ok) throw new NotReady(`${path}: ${answer.status}`);
  return parseExact(await answer.text());
}
