// Sentences in the visitor's language, toasts and small DOM helpers.
// Used by every module of the terminal.

const holder = document.getElementById("texts");
const texts = holder ? JSON.parse(holder.textContent) : {};

export const isChinese = document.documentElement.lang.startsWith("zh");

/** The sentence in the page's language; {name} is filled from `fields`. */
export function t(message, fields = {}) {
  return (texts[message] ?? message).replace(/\{(\w+)\}/g, (_, name) => fields[name] ?? "");
}

export const byId = (id) => document.getElementById(id);

/** Set a node's text only when it differs: no needless layout. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Show a signed number's colour: up, down, or flat. */
export function setSign(node, sign) {
  const wanted = sign > 0 ? "up" : sign < 0 ? "down" : "flat";
  if (node.dataset.sign === wanted) return;
  node.classList.remove("up", "down", "flat");
  node.classList.add(wanted);
  node.dataset.sign = wanted;
}

/** Keep one row an item, in the items' order; `make(item)` builds it once, `fill(row, item)` whenever painted. */
export function keyedRows(body, items, keyOf, make, fill) {
  const rows = (body.rowsByKey ??= new Map());
  const wanted = new Set();
  let next = body.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    wanted.add(key);
    let row = rows.get(key);
    if (!row) {
      row = make(item);
      rows.set(key, row);
    }
    fill(row, item);
    if (row === next) next = next.nextElementSibling;
    else body.insertBefore(row, next);
  }
  for (const [key, row] of rows) {
    if (wanted.has(key)) continue;
    row.remove();
    rows.delete(key);
  }
}

/** A row of `count` cells, each with its class. */
export function rowOf(...classes) {
  const row = document.createElement("tr");
  for (const name of classes) {
    const cell = document.createElement("td");
    if (name) cell.className = name;
    row.append(cell);
  }
  return row;
}

const TOASTS_MAX = 5;

/** A message in the corner: kind good, bad, warn, buy, sell or info; refusals stay longer. */
export function toast(kind, title, text = "", lastsMs = kind === "bad" ? 9000 : 5000) {
  const box = byId("toasts");
  const node = document.createElement("div");
  node.className = `toast ${kind}`;
  const head = document.createElement("strong");
  head.textContent = title;
  const shut = document.createElement("button");
  shut.type = "button";
  shut.className = "button plain small";
  shut.textContent = "✕";
  shut.setAttribute("aria-label", t("Dismiss"));
  shut.addEventListener("click", () => node.remove());
  node.append(head, shut);
  if (text) {
    const body = document.createElement("p");
    body.textContent = text;
    node.append(body);
  }
  box.append(node);
  while (box.childElementCount > TOASTS_MAX) box.firstElementChild.remove();
  setTimeout(() => node.remove(), lastsMs);
}

// What to do about a refusal, by its code; the venue's own sentence says what was wrong.
const ADVICE = {
  1003: "The account is frozen for trading; ask the operator. Cancelling still works.",
  1103: "Trading in this instrument is suspended; wait until it resumes.",
  1104: "The market is closed now; send it again when trading is open.",
  1107: "Trading in this instrument is suspended; wait until it resumes.",
  1211: "Choose another of open, close and close today.",
  1212: "Use a limit order here.",
  1213: "Choose another order type.",
  1215: "Prices move in whole ticks; use the − and + beside the price.",
  1216: "Lower the price into today's limits.",
  1217: "Raise the price into today's limits.",
  1219: "Split the order into smaller ones.",
  1220: "Raise the volume.",
  1221: "Post-only never takes: move the price away from the other side.",
  1223: "Raise the volume or the budget.",
  1301: "Lower the volume, cancel an order, or deposit money.",
  1302: "Close no more than you hold and have not put up for sale already.",
  1303: "No more lots of today are free: use Close for older lots, or cancel a closing order.",
  1304: "No more older lots are free: use Close today for today's lots, or cancel a closing order.",
  1305: "The position limit is reached: close something first.",
  1306: "Too much margin for this balance: close something or deposit money.",
  1307: "Cancel some live orders first.",
  1402: "The order had ended already; nothing to cancel.",
  1502: "Withdraw less: gains of today stay until settlement.",
  1605: "The day is being settled; try again in a few minutes.",
  1701: "It would have traded with your own order; cancel that one first.",
  1702: "The whole volume was not there at this price. Try IOC or a better price.",
  1703: "Nobody is on the other side yet; use a limit order and wait.",
  1704: "The rest found nobody at this price; a limit order waits instead.",
  1708: "The rest was beyond the protected price; send it again if you still want it.",
  5001: "The venue is busy; send it again in a moment.",
  5002: "The engine is changing over; send it again in a moment. Nothing was sent.",
  5003: "It took too long and was not carried out; send it again.",
  5004: "It is not known yet what became of it; see live orders and trades before sending again.",
  5005: "The venue cannot store orders now; the operator must make room.",
  5006: "Live data is being rebuilt; it comes back by itself.",
  6001: "Log in again.",
};

/** A refusal as a toast: what was wrong, and what to do. */
export function toastRefusal(title, answer) {
  const said = (isChinese ? answer.message_zh : answer.message) ?? answer.message ?? "";
  const advice = ADVICE[answer.code];
  toast("bad", title, advice ? `${said}${isChinese ? "。" : /[.!?]$/.test(said) ? " " : ". "}${t(advice)}` : said);
}

/** Why an accepted order ended, with what to do. */
export function endedText(order) {
  const said = (isChinese ? order.message_zh : order.message) ?? "";
  const advice = ADVICE[order.code];
  return advice ? t(advice) : said;
}

/** Nanoseconds since 1970 (text) as local HH:MM:SS. */
export function clockOf(ns) {
  if (!ns) return "–";
  const moment = new Date(Number(BigInt(ns) / 1000000n));
  return [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map((n) => String(n).padStart(2, "0")).join(":");
}
