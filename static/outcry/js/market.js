// The public side: instrument list, quote, book, last trades. Takes pushes into the state and paints it by hand.
// Used by terminal.js.

import { fromUnits, grouped, percent, toUnits } from "./numbers.js";
import { fullId, mark, painter, spec, state, ticker, ticksOf } from "./state.js";
import { byId, clockOf, keyedRows, rowOf, setSign, setText, t } from "./texts.js";

const LEVELS = 5;
const TAPE_SHOWN = 40;
const FINE = 10; // places in which prices of different kinds are compared

let choose = () => {};
let fillPrice = () => {};
let filter = "";

/** `onChoose(fullId)` when an instrument is picked, `onPrice(text)` when a price is. */
export function marketStart({ onChoose, onPrice }) {
  choose = onChoose;
  fillPrice = onPrice;
  painter(["watch", "chosen"], paintWatch);
  painter(["quote", "chosen"], paintQuote);
  painter(["book", "chosen", "orders"], paintBook);
  painter(["tape", "chosen"], paintTape);
  byId("find").addEventListener("input", (event) => {
    filter = event.target.value.trim().toLowerCase();
    mark("watch");
  });
  byId("find").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const first = shown()[0];
    if (first) choose(first.full_id);
  });
  byId("watch").addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-id]");
    if (row) choose(row.dataset.id);
  });
  byId("book").addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-price]");
    if (row?.dataset.price) fillPrice(row.dataset.price);
  });
}

// ---- pushes --------------------------------------------------------------------------------------

export function takeTicker(push) {
  const id = fullId(push);
  state.tickers.set(id, push);
  const instrument = state.specs.get(id);
  if (instrument) Object.assign(instrument, { status: push.status, phase: push.phase });
  if (instrument && push.last_price) instrument.last = ticksOf(instrument, push.last_price) ?? instrument.last;
  mark("watch");
  if (id === state.chosen) mark("quote", "ticket");
}

export function takeBook(push) {
  if (fullId(push) !== state.chosen) return;
  if (push.snapshot) state.book = { bids: new Map(), asks: new Map() };
  for (const side of ["bids", "asks"]) {
    for (const level of push[side]) {
      const ticks = Number(ticksOf(spec(), level.price));
      if (/^0(\.0*)?$/.test(level.volume)) state.book[side].delete(ticks);
      else state.book[side].set(ticks, level);
    }
  }
  mark("book", "ticket");
}

export function takeTape(push) {
  if (fullId(push) !== state.chosen) return;
  mergeTape(push.trades);
}

/** Trades from a push or from history into the newest-first list, each once. */
export function mergeTape(rows) {
  const known = new Set(state.tape.map((row) => row.trade_id));
  const fresh = rows.filter((row) => !known.has(row.trade_id));
  if (!fresh.length) return;
  const newestFirst = (a, b) => (BigInt(a.trade_id) < BigInt(b.trade_id) ? 1 : -1);
  state.tape = [...fresh, ...state.tape].sort(newestFirst).slice(0, TAPE_SHOWN);
  mark("tape");
}

/** The levels of a side, best first: [{price, volume, ticks}]. */
export function levels(side) {
  const rows = [...state.book[side]].map(([ticks, level]) => ({ ticks, ...level }));
  return rows.sort((a, b) => (side === "bids" ? b.ticks - a.ticks : a.ticks - b.ticks)).slice(0, LEVELS);
}

/** Best [bid, ask] in ticks, BigInts, 0n for none. */
export function best() {
  return [levels("bids")[0], levels("asks")[0]].map((level) => (level ? BigInt(level.ticks) : 0n));
}

// ---- instruments ---------------------------------------------------------------------------------

function shown() {
  const all = [...state.specs.values()];
  if (!filter) return all;
  return all.filter((row) => `${row.id} ${row.name} ${row.exchange}`.toLowerCase().includes(filter));
}

/** {change, base} of an instrument in 10^-FINE: against the last settlement, or the previous close. */
function changeOf(instrument) {
  const quote = state.tickers.get(instrument.full_id);
  const last = toUnits(quote?.last_price ?? "", FINE);
  const before = instrument.kind === "future" ? quote?.pre_settlement : (quote?.pre_close ?? quote?.open);
  const base = toUnits(before ?? "", FINE);
  return last === null || base === null ? null : { change: last - base, base };
}

function makeWatchRow(instrument) {
  const row = rowOf("", "right num", "right num");
  row.dataset.id = instrument.full_id;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "pickrow";
  const id = document.createElement("b");
  id.textContent = instrument.id.replace("_", "/");
  const name = document.createElement("small");
  name.textContent = [instrument.id, instrument.id.replace("_", "/")].includes(instrument.name) ? instrument.exchange : instrument.name;
  button.append(id, name);
  row.cells[0].append(button);
  return row;
}

function fillWatchRow(row, instrument) {
  const quote = state.tickers.get(instrument.full_id);
  const moved = changeOf(instrument);
  const sign = moved ? Number(moved.change > 0n) - Number(moved.change < 0n) : 0;
  const isHalted = instrument.status !== "trading";
  row.classList.toggle("is-chosen", instrument.full_id === state.chosen);
  row.classList.toggle("is-halted", isHalted);
  row.cells[0].firstChild.setAttribute("aria-current", String(instrument.full_id === state.chosen));
  setText(row.cells[1], quote?.last_price ? grouped(quote.last_price) : "–");
  setText(row.cells[2], isHalted ? t("halted") : moved ? percent(moved.change, moved.base) : "–");
  setSign(row.cells[1], sign);
  setSign(row.cells[2], isHalted ? 0 : sign);
}

function paintWatch() {
  const rows = shown();
  keyedRows(byId("watch"), rows, (row) => row.full_id, makeWatchRow, fillWatchRow);
  byId("watch-empty").hidden = rows.length > 0 || state.specs.size === 0;
}

/** The instrument `by` rows further down the list. */
export function neighbour(by) {
  const rows = shown();
  const at = rows.findIndex((row) => row.full_id === state.chosen);
  return rows[(at + by + rows.length) % rows.length]?.full_id;
}

// ---- quote ---------------------------------------------------------------------------------------

function paintQuote() {
  const instrument = spec();
  if (!instrument) return;
  const quote = ticker();
  const text = (value) => (value ? grouped(value) : "–");
  document.body.dataset.kind = instrument.kind;
  setText(byId("head-id"), instrument.id.replace("_", "/"));
  const isNamed = ![instrument.id, instrument.id.replace("_", "/")].includes(instrument.name);
  setText(byId("head-name"), `${isNamed ? `${instrument.name} · ` : ""}${instrument.exchange}`);
  setText(byId("head-last"), text(quote?.last_price));
  setText(byId("head-high"), text(quote?.high));
  setText(byId("head-low"), text(quote?.low));
  setText(byId("head-volume"), text(quote?.volume));
  setText(byId("head-oi"), text(quote?.open_interest));
  setText(byId("head-settle"), text(trimmed(quote?.pre_settlement, instrument)));
  setText(byId("head-limits"), quote?.lower_limit ? `${text(quote.lower_limit)} – ${text(quote.upper_limit)}` : "–");
  paintChange(instrument);
  paintState(instrument);
  const last = quote?.last_price ? grouped(quote.last_price) : "–";
  document.title = `${last} ${instrument.id} · Outcry`;
  setText(byId("trading-day"), dayText(quote?.trading_day ?? instrument.trading_day));
}

function paintChange(instrument) {
  const moved = changeOf(instrument);
  const sign = moved ? Number(moved.change > 0n) - Number(moved.change < 0n) : 0;
  const mid = byId("book-last");
  let text = "";
  if (moved) {
    const size = grouped(fromUnits(moved.change, FINE, Number(instrument.tick_scale)));
    text = `${sign > 0 ? "+" : ""}${size}  ${percent(moved.change, moved.base)}`;
  }
  setText(byId("head-change"), text);
  setText(mid, byId("head-last").textContent);
  for (const node of [byId("head-last"), byId("head-change"), mid]) setSign(node, sign);
}

const PHASES = { CLOSED: "Closed", BREAK: "Break" };

function paintState(instrument) {
  const badge = byId("head-state");
  const word = instrument.status === "trading" ? PHASES[instrument.phase] : "Suspended";
  badge.hidden = !word;
  badge.className = `badge ${instrument.status === "trading" ? "warn" : "bad"}`;
  if (word) setText(badge, t(word));
}

function trimmed(text, instrument) {
  const units = toUnits(text ?? "", FINE);
  return units === null ? null : fromUnits(units, FINE, Number(instrument.tick_scale));
}

function dayText(day) {
  const text = String(day ?? "");
  return text.length === 8 ? `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}` : "–";
}

// ---- book and tape -------------------------------------------------------------------------------

const bookRows = [...document.querySelectorAll("#book tr[data-side]")].map((row) => ({
  row,
  side: row.dataset.side === "bid" ? "bids" : "asks",
  level: Number(row.dataset.level) - 1,
  price: row.querySelector("button"),
  volume: row.querySelector(".volume span"),
  depth: row.querySelector(".depth"),
}));

function paintBook() {
  const instrument = spec();
  if (!instrument) return;
  const sides = { bids: levels("bids"), asks: levels("asks") };
  // A bar's width is decoration: the one place where a volume becomes a float.
  const largest = Math.max(1e-12, ...[...sides.bids, ...sides.asks].map((level) => Number(level.volume)));
  const mine = ownPrices();
  for (const entry of bookRows) {
    const level = sides[entry.side][entry.level];
    setText(entry.price, level ? grouped(level.price) : "–");
    setText(entry.volume, level ? grouped(level.volume) : "");
    entry.depth.style.transform = `scaleX(${level ? (Number(level.volume) / largest).toFixed(3) : 0})`;
    entry.price.disabled = !level;
    entry.row.dataset.price = level?.price ?? "";
    entry.row.classList.toggle("is-mine", Boolean(level && mine.has(level.price)));
  }
  const [bid, ask] = [sides.bids[0], sides.asks[0]];
  const gap = bid && ask ? BigInt(ask.ticks - bid.ticks) * BigInt(instrument.tick_units) : null;
  setText(byId("spread"), gap === null ? "" : `${t("Spread")} ${fromUnits(gap, Number(instrument.tick_scale))}`);
}

function ownPrices() {
  const prices = new Set();
  for (const order of state.orders.values()) if (fullId(order) === state.chosen) prices.add(order.price);
  return prices;
}

function makeTapeRow() {
  return rowOf("", "right", "right");
}

function fillTapeRow(row, trade) {
  setText(row.cells[0], clockOf(trade.timestamp));
  setText(row.cells[1], grouped(trade.price));
  setText(row.cells[2], grouped(trade.volume));
  setSign(row.cells[1], trade.direction === "BUY" ? 1 : -1);
}

function paintTape() {
  keyedRows(byId("tape"), state.tape, (row) => row.trade_id, makeTapeRow, fillTapeRow);
  byId("tape-empty").hidden = state.tape.length > 0;
}

/** Lots of a volume text of the chosen instrument, for those who count. */
export const lotsText = (instrument, lots) =>
  fromUnits(lots * BigInt(instrument.lot_units), Number(instrument.lot_scale), 0);
