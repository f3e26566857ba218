// The socket: log in, subscribe, check that every push joins the one before, ask again for what does not.
// Used by terminal.js; knows nothing of what the pushes mean.

import { parseExact } from "./numbers.js";
import { forget, token } from "./session.js";

const BACK_OFF_MS = [250, 500, 1000, 2000, 4000, 8000];
const RENEW_MS = 180_000;
const QUIET_MS = 15_000; // nothing heard for this long: ask, and believe it gone if nothing comes
const ANSWER_MS = 6_000;

/** The socket went away before it was answered: what became of the message is not known. */
export class Unanswered extends Error {}

/** `onPush(push)`, `onState("connecting" | "live" | "off", retryMs)`, `onReady()` after each login. */
export class Feed {
  constructor({ onPush, onState, onReady }) {
    this.onPush = onPush;
    this.onState = onState;
    this.onReady = onReady;
    this.held = new Map(); // stream → the seq last taken
    this.resyncing = new Set();
    this.waiting = new Map(); // request id → {resolve, reject, timer}
    this.number = 0;
    this.failures = 0;
    this.socket = null;
    this.gaps = 0;
    setInterval(() => this.#keepAlive(), 5000);
  }

  /** Connect, and stay connected until the page goes. */
  async connect() {
    clearTimeout(this.retry);
    let access;
    try {
      access = await token();
    } catch {
      this.#later();
      return;
    }
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    this.socket = socket;
    socket.addEventListener("open", () => this.#login(access));
    socket.addEventListener("message", (event) => this.#take(event.data));
    socket.addEventListener("close", (event) => this.#closed(socket, event.code));
  }

  /** Send a message and wait for its answer (refusals too); Unanswered when the socket goes first. */
  request(message) {
    return new Promise((resolve, reject) => {
      if (this.socket?.readyState !== WebSocket.OPEN) {
        reject(new Unanswered("not connected"));
        return;
      }
      const requestId = `p${(this.number += 1)}`;
      const timer = setTimeout(() => this.#settle(requestId, null), ANSWER_MS);
      this.waiting.set(requestId, { resolve, reject, timer });
      this.socket.send(JSON.stringify({ ...message, request_id: requestId }));
    });
  }

  /** Forget what was held of streams that end, so that their names may begin anew. */
  drop(streams) {
    for (const stream of streams) this.held.delete(stream);
  }

  async #login(access) {
    try {
      const answer = await this.request({ type: "auth", token: access });
      if (!answer.success) throw new Unanswered("refused");
    } catch {
      forget();
      this.socket?.close();
      return;
    }
    clearInterval(this.renewal);
    this.renewal = setInterval(() => this.#renew(), RENEW_MS);
    this.failures = 0;
    this.held.clear();
    this.resyncing.clear();
    this.onState("live", 0);
    this.onReady();
  }

  async #renew() {
    try {
      forget();
      await this.request({ type: "auth", token: await token() });
    } catch {
      // The next renewal, or the close of the socket, settles it.
    }
  }

  #take(data) {
    this.heardAt = performance.now();
    const message = parseExact(data);
    if (message.stream !== undefined) this.#push(message);
    else if (message.request_id !== undefined) this.#settle(message.request_id, message);
  }

  #push(push) {
    const { stream } = push;
    if (push.snapshot) {
      this.resyncing.delete(stream);
    } else if (this.held.get(stream) !== push.prev) {
      this.#gap(stream);
      return;
    }
    this.held.set(stream, push.seq);
    this.onPush(push);
  }

  /** A push does not follow the one before: what is shown may be wrong, ask for the whole. */
  #gap(stream) {
    if (!this.held.has(stream) || this.resyncing.has(stream)) return;
    this.gaps += 1;
    this.resyncing.add(stream);
    this.request({ type: "resync", streams: [stream] }).catch(() => {});
  }

  #settle(requestId, answer) {
    const waiter = this.waiting.get(requestId);
    if (!waiter) return;
    this.waiting.delete(requestId);
    clearTimeout(waiter.timer);
    if (answer) waiter.resolve(answer);
    else waiter.reject(new Unanswered("no answer"));
  }

  #keepAlive() {
    if (this.socket?.readyState !== WebSocket.OPEN || performance.now() - (this.heardAt ?? 0) < QUIET_MS) return;
    const socket = this.socket;
    this.request({ type: "ping" }).catch(() => socket.close());
  }

  #closed(socket, code) {
    if (socket !== this.socket) return;
    clearInterval(this.renewal);
    for (const requestId of [...this.waiting.keys()]) this.#settle(requestId, null);
    if (code === 4401) forget();
    this.#later();
  }

  #later() {
    const base = BACK_OFF_MS[Math.min(this.failures, BACK_OFF_MS.length - 1)];
    const waitMs = Math.round(base * (0.75 + Math.random() / 2));
    this.failures += 1;
    this.onState("off", waitMs);
    this.retry = setTimeout(() => {
      this.onState("connecting", 0);
      this.connect();
    }, waitMs);
  }
}
