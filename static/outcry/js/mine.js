// The private side: live orders, positions, today's trades, funds. Takes pushes into the state and paints it.
// Used by terminal.js.

import { orderMost } from "./costs.js";
import { fromUnits, grouped, money, shown, signOf, toUnits } from "./numbers.js";
import { cancelAll, cancelOrder, sendOrder } from "./orders.js";
import { NotReady, getJson } from "./session.js";
import { fullId, mark, painter, state } from "./state.js";
import { byId, clockOf, endedText, keyedRows, rowOf, setSign, setText, t, toast } from "./texts.js";

const TRADES_KEPT = 200;
const TRADES_SHOWN = 100;
const CLOSE_TICKS = 5n;

let ask = () => Promise.resolve(false);
let choose = () => {};

/** `confirm({title, text, yes})` asks; `onChoose(fullId)` when a row's instrument is picked. */
export function mineStart({ confirm, onChoose }) {
  ask = confirm;
  choose = onChoose;
  painter(["orders", "feed"], paintOrders);
  painter(["positions", "feed"], paintPositions);
  painter(["trades"], paintTrades);
  painter(["funds"], paintFunds);
  byId("cancel-all").addEventListener("click", askCancelAll);
  for (const id of ["orders", "positions"]) {
    byId(id).addEventListener("click", (event) => {
      const row = event.target.closest("tr");
      if (event.target.closest("[data-cancel]")) cancelOrder(row.dataset.order);
      else if (event.target.closest("[data-shut]")) askClose(row.dataset.id, row.dataset.side);
      else if (row?.dataset.id) choose(row.dataset.id);
    });
  }
}

/** Forget the account that was shown. */
export function mineReset() {
  state.orders.clear();
  state.positions.clear();
  state.trades.clear();
  state.funds = null;
  mark("orders", "positions", "trades", "funds", "ticket");
}

// ---- pushes --------------------------------------------------------------------------------------

export function takeFunds(push) {
  if (push.account_id !== state.account) return;
  state.funds = push;
  mark("funds");
}

export function takePositions(push) {
  if (push.account_id !== state.account) return;
  if (push.snapshot) state.positions.clear();
  for (const row of push.positions) {
    const isFlat = row.volume_long === "0" && row.volume_short === "0";
    if (isFlat) state.positions.delete(fullId(row));
    else state.positions.set(fullId(row), row);
  }
  mark("positions");
}

const LIVE = new Set(["submitted", "partially_filled"]);

export function takeOrders(push) {
  if (push.account_id !== state.account) return;
  if (push.snapshot) state.orders.clear();
  for (const order of push.orders) {
    if (LIVE.has(order.status)) state.orders.set(order.order_id, order);
    else {
      state.orders.delete(order.order_id);
      if (!push.snapshot) sayEnded(order);
    }
  }
  mark("orders");
}

function sayEnded(order) {
  const words = `${t(order.direction === "BUY" ? "Buy" : "Sell")} ${order.instrument_id.replace("_", "/")}`;
  if (order.status === "cancelled") toast("info", t("Order cancelled"), words, 3500);
  else if (order.status === "expired") {
    const isPart = signOf(order.filled_volume) > 0;
    toast("warn", t(isPart ? "The rest was not filled" : "Not filled"), `${words}. ${endedText(order)}`, 8000);
  }
}

const tradeKey = (row) => `${row.trade_id}.${row.direction}`;

export function takeTrades(push) {
  if (push.account_id !== state.account || push.snapshot) return;
  for (const row of push.trades) state.trades.set(tradeKey(row), row);
  while (state.trades.size > TRADES_KEPT * 2) state.trades.delete(state.trades.keys().next().value);
  sayFills(push.trades);
  mark("trades");
}

/** One message an order: what was bought or sold, and at which prices. */
function sayFills(rows) {
  const byOrder = new Map();
  for (const row of rows) byOrder.set(row.order_id, [...(byOrder.get(row.order_id) ?? []), row]);
  for (const fills of byOrder.values()) {
    const [first] = fills;
    const volume = fills.reduce((sum, row) => sum + (toUnits(row.volume, 12) ?? 0n), 0n);
    const prices = [...new Set(fills.map((row) => grouped(row.price)))].slice(0, 3).join(", ");
    const isBuy = first.direction === "BUY";
    const title = t(isBuy ? "Bought {volume} {id}" : "Sold {volume} {id}", {
      volume: grouped(fromUnits(volume, 12, 0)),
      id: first.instrument_id.replace("_", "/"),
    });
    toast(isBuy ? "buy" : "sell", title, `@ ${prices} · ${t("fee")} ${feeText(fills)}`);
  }
}

function feeText(fills) {
  const currency = fills[0].fee_currency;
  const scale = Number(state.scales[currency] ?? 4);
  const fee = fills.reduce((sum, row) => sum + (toUnits(row.fee, scale) ?? 0n), 0n);
  return `${currency === "CNY" ? shown(fee, scale, 2) : fromUnits(fee, scale, 2)} ${currency}`;
}

/** Today's trades so far, from history; the stream goes on from there. */
export async function tradesLoad() {
  const { account } = state;
  for (let attempt = 0; attempt < 60 && account === state.account; attempt += 1) {
    try {
      const answer = await getJson(`/api/trades/account/${account}?limit=${TRADES_KEPT}`);
      if (account !== state.account) return;
      const day = [...state.specs.values()][0]?.trading_day;
      if (!day) throw new NotReady("the day is not known yet");
      for (const row of answer.data.trades) {
        if (row.trading_day === day) state.trades.set(tradeKey(row), row);
      }
      mark("trades");
      return;
    } catch (error) {
      if (!(error instanceof NotReady)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

// ---- cells ---------------------------------------------------------------------------------------

const OFFSETS = { OPEN: "open", CLOSE: "close", CLOSETODAY: "close today" };

function sideText(row) {
  const side = t(row.direction === "BUY" ? "Buy" : "Sell");
  return row.exchange_id === "SPOT" ? side : `${side} · ${t(OFFSETS[row.offset])}`;
}

function button(text, name) {
  const node = document.createElement("button");
  node.type = "button";
  node.className = "button small";
  node.dataset[name] = "";
  node.textContent = text;
  return node;
}

// ---- orders --------------------------------------------------------------------------------------

function makeOrderRow(order) {
  const row = rowOf("second", "strong", "", "second", "right", "right", "right", "", "quiet", "right");
  row.dataset.order = order.order_id;
  row.dataset.id = fullId(order);
  setText(row.cells[0], clockOf(order.submit_time));
  setText(row.cells[1], order.instrument_id.replace("_", "/"));
  setText(row.cells[2], sideText(order));
  setSign(row.cells[2], order.direction === "BUY" ? 1 : -1);
  setText(row.cells[8], order.order_id);
  const cancel = button(t("Cancel"), "cancel");
  cancel.setAttribute("aria-label", `${t("Cancel")} ${order.order_id}`);
  row.cells[9].append(cancel);
  const badge = document.createElement("span");
  badge.className = "badge";
  row.cells[7].append(badge);
  return row;
}

const STATUSES = { submitted: "waiting", partially_filled: "partly filled" };

function fillOrderRow(row, order) {
  const kind = order.post_only ? t("Post-only") : order.order_type === "LIMIT" ? t("Limit") : t("Market");
  setText(row.cells[3], `${kind} ${order.time_in_force}`);
  setText(row.cells[4], grouped(order.price));
  setText(row.cells[5], grouped(order.filled_volume));
  setText(row.cells[6], grouped(order.volume));
  setText(row.cells[7].firstChild, t(STATUSES[order.status] ?? order.status));
  row.cells[7].firstChild.classList.toggle("info", order.status === "partially_filled");
  row.cells[9].firstChild.disabled = state.feed !== "live";
}

function paintOrders() {
  const rows = [...state.orders.values()].sort((a, b) => (BigInt(a.order_id) < BigInt(b.order_id) ? 1 : -1));
  keyedRows(byId("orders"), rows, (row) => row.order_id, makeOrderRow, fillOrderRow);
  byId("orders-empty").hidden = rows.length > 0;
  setText(byId("count-orders"), rows.length ? String(rows.length) : "");
  byId("cancel-all").disabled = !rows.length || state.feed !== "live";
}

export async function askCancelAll() {
  const count = state.orders.size;
  if (!count) return;
  const text = t("{count} live orders of account {account} are cancelled.", { count, account: state.account });
  if (await ask({ title: t("Cancel all orders?"), text, yes: t("Cancel all") })) await cancelAll();
}

// ---- positions -----------------------------------------------------------------------------------

/** One line a side: [{row, side: "long" | "short"}]. */
function positionLines() {
  const lines = [];
  for (const row of [...state.positions.values()].sort((a, b) => fullId(a).localeCompare(fullId(b)))) {
    if (row.volume_long !== "0") lines.push({ row, side: "long" });
    if (row.volume_short !== "0") lines.push({ row, side: "short" });
  }
  return lines;
}

function makePositionRow({ row: held, side }) {
  const row = rowOf("strong", "", "right", "right futures-col second", "right second", "right", "right", "right", "right", "right second", "right");
  row.dataset.id = fullId(held);
  row.dataset.side = side;
  setText(row.cells[0], held.instrument_id);
  const badge = document.createElement("span");
  badge.className = `badge ${side === "long" ? "up" : "down"}`;
  badge.textContent = t(side === "long" ? "Long" : "Short");
  row.cells[1].append(badge);
  const shut = button(t("Close"), "shut");
  shut.setAttribute("aria-label", `${t("Close")} ${held.instrument_id} ${badge.textContent}`);
  row.cells[10].append(shut);
  return row;
}

function fillPositionRow(row, { row: held, side }) {
  const quote = state.tickers.get(fullId(held));
  const free = BigInt(held[`volume_${side}`]) - BigInt(held[`volume_${side}_frozen`]);
  setText(row.cells[2], grouped(held[`volume_${side}`]));
  setText(row.cells[3], grouped(held[`volume_${side}_today`]));
  setText(row.cells[4], grouped(String(free)));
  setText(row.cells[5], priceShown(held, held[`open_price_${side}`]));
  setText(row.cells[6], quote?.last_price ? grouped(quote.last_price) : "–");
  for (const [cell, name] of [[row.cells[7], "profit"], [row.cells[8], "position_profit"]]) {
    setText(cell, signed(held[`${name}_${side}`]));
    setSign(cell, signOf(held[`${name}_${side}`]));
  }
  setText(row.cells[9], money(held[`margin_${side}`], "CNY", state.scales));
  row.cells[10].firstChild.disabled = free <= 0n || state.feed !== "live";
}

/** An average price with one place more than the tick. */
function priceShown(held, text) {
  const scale = Number(state.specs.get(fullId(held))?.tick_scale ?? 2);
  const units = toUnits(text ?? "", 4);
  return units === null ? "–" : shown(units, 4, Math.min(scale + 1, 4));
}

function signed(text) {
  const shownText = money(text, "CNY", state.scales);
  return signOf(text) > 0 ? `+${shownText}` : shownText;
}

function paintPositions() {
  const lines = positionLines();
  keyedRows(byId("positions"), lines, (line) => `${fullId(line.row)}.${line.side}`, makePositionRow, fillPositionRow);
  byId("positions-empty").hidden = lines.length > 0;
  setText(byId("count-positions"), lines.length ? String(lines.length) : "");
}

/** The orders that close a side now: within its buckets, at market or within five ticks of the best price. */
function closingOrders(id, side) {
  const held = state.positions.get(id);
  const instrument = state.specs.get(id);
  const quote = state.tickers.get(id);
  if (!held || !instrument) return [];
  const isLong = side === "long";
  const best = toUnits((isLong ? quote?.bid_price : quote?.ask_price) ?? "", Number(instrument.tick_scale));
  if (best === null) return null;
  const common = { instrument_id: id, direction: isLong ? "SELL" : "BUY", time_in_force: "IOC" };
  if (instrument.allow_market) Object.assign(common, { order_type: "MARKET" });
  else Object.assign(common, { order_type: "LIMIT", price: sweepPrice(instrument, best, isLong) });
  const free = (tail) => BigInt(held[`volume_${side}${tail}`]) - BigInt(held[`volume_${side}_frozen${tail}`]);
  const buckets = instrument.close_rule === "EXPLICIT" ? [["CLOSE", free("_his")], ["CLOSETODAY", free("_today")]] : [["CLOSE", free("")]];
  const largest = BigInt(orderMost(instrument, instrument.allow_market));
  const orders = [];
  for (const [offset, lots] of buckets) {
    for (let left = lots; left > 0n && orders.length < 20; left -= largest) {
      orders.push({ ...common, offset, volume: String(left < largest ? left : largest) });
    }
  }
  return orders;
}

function sweepPrice(instrument, best, isLong) {
  const step = BigInt(instrument.tick_units);
  const limit = BigInt(isLong ? instrument.lower : instrument.upper) * step;
  const wanted = isLong ? best - CLOSE_TICKS * step : best + CLOSE_TICKS * step;
  const isBeyond = limit > 0n && (isLong ? wanted < limit : wanted > limit);
  return fromUnits(isBeyond ? limit : wanted, Number(instrument.tick_scale));
}

async function askClose(id, side) {
  const orders = closingOrders(id, side);
  if (orders === null) {
    toast("warn", t("Nobody to trade with"), t("There is no price on the other side; use a limit order."));
    return;
  }
  if (!orders.length) return;
  const lots = orders.reduce((sum, order) => sum + BigInt(order.volume), 0n);
  const text = t(orders[0].price ? "{lots} lots at {price} or better; what finds nobody stays open." : "{lots} lots at market; what finds nobody stays open.", {
    lots,
    price: grouped(orders[0].price ?? ""),
  });
  const name = `${id.split(".")[1]} ${t(side === "long" ? "Long" : "Short")}`;
  if (!(await ask({ title: t("Close {name}?", { name }), text, yes: t("Close") }))) return;
  for (const order of orders) await sendOrder(order);
}

// ---- trades and funds ----------------------------------------------------------------------------

function makeTradeRow(trade) {
  const row = rowOf("second", "strong", "", "right", "right", "right second", "right", "quiet");
  setText(row.cells[0], clockOf(trade.timestamp));
  setText(row.cells[1], trade.instrument_id.replace("_", "/"));
  setText(row.cells[2], sideText(trade));
  setSign(row.cells[2], trade.direction === "BUY" ? 1 : -1);
  setText(row.cells[3], grouped(trade.price));
  setText(row.cells[4], grouped(trade.volume));
  setText(row.cells[5], `${money(trade.fee, trade.fee_currency, state.scales)}${trade.fee_currency === "CNY" ? "" : ` ${trade.fee_currency}`}`);
  setText(row.cells[6], trade.offset === "OPEN" ? "" : signed(trade.close_profit));
  setSign(row.cells[6], signOf(trade.close_profit));
  setText(row.cells[7], trade.order_id);
  return row;
}

function paintTrades() {
  const newestFirst = (a, b) => (BigInt(a.trade_id) < BigInt(b.trade_id) ? 1 : -1);
  const rows = [...state.trades.values()].sort(newestFirst).slice(0, TRADES_SHOWN);
  keyedRows(byId("trades"), rows, tradeKey, makeTradeRow, () => {});
  byId("trades-empty").hidden = rows.length > 0;
  setText(byId("count-trades"), rows.length ? String(state.trades.size) : "");
}

const WARN_AT = 0.8; // of margin ÷ balance: where the venue warns
const BAD_AT = 0.95; // where it opens nothing more

function paintFunds() {
  const { funds } = state;
  const text = (name) => (funds ? money(funds[name], funds.currency, state.scales) : "–");
  for (const name of ["balance", "available", "margin", "frozen", "commission"]) setText(byId(`funds-${name}`), text(name));
  setText(byId("funds-account"), funds ? funds.currency : "");
  for (const [id, name] of [["funds-position", "position_profit"], ["funds-close", "close_profit"]]) {
    setText(byId(id), funds ? signed(funds[name]) : "–");
    setSign(byId(id), funds ? signOf(funds[name]) : 0);
  }
  paintRisk(funds);
  const wallets = (funds?.wallets ?? []).filter((wallet) => signOf(wallet.available) || signOf(wallet.locked));
  byId("wallets").hidden = !wallets.length;
  keyedRows(byId("wallets").tBodies[0], wallets, (wallet) => wallet.asset, () => rowOf("strong", "right", "right second"), fillWallet);
}

function paintRisk(funds) {
  const gauge = byId("gauge");
  const isEndless = funds !== null && funds.risk_ratio === null;
  const ratio = isEndless ? 1 : Number(funds?.risk_ratio ?? 0); // a picture of it; the figure below is exact
  const units = toUnits(funds?.risk_ratio ?? "", 9);
  setText(byId("funds-risk"), isEndless ? "∞" : units === null ? "–" : `${shown(units * 100n, 9, 2)}%`);
  gauge.dataset.level = ratio >= BAD_AT ? "bad" : ratio >= WARN_AT ? "warn" : "good";
  gauge.setAttribute("aria-valuenow", String(Math.round(Math.min(ratio, 1) * 100)));
  gauge.firstElementChild.style.transform = `scaleX(${Math.min(ratio, 1).toFixed(4)})`;
}

function fillWallet(row, wallet) {
  setText(row.cells[0], wallet.asset);
  setText(row.cells[1], money(wallet.available, wallet.asset, state.scales));
  setText(row.cells[2], money(wallet.locked, wallet.asset, state.scales));
}
