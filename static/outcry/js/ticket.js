// The order ticket: what is typed, what it would freeze, and sending it.
// Used by terminal.js.

import { closeFee, openFreeze, openMost, orderMost, bounds, spotLock, spotMost, reservePrice } from "./costs.js";
import { best, lotsText } from "./market.js";
import { fromUnits, grouped, money, shown, signOf, toUnits } from "./numbers.js";
import { sendOrder } from "./orders.js";
import { fundsUnits, lotsOf, mark, painter, spec, state, ticker, ticksOf, walletFree } from "./state.js";
import { byId, setSign, setText, t } from "./texts.js";

const form = byId("order");
const field = (name) => form.elements[name];
const plain = (input) => input.value.replace(/[,\s]/g, "");

export function ticketStart() {
  painter(["ticket", "chosen", "funds", "positions", "feed"], paintTicket);
  form.addEventListener("input", () => mark("ticket"));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("keydown", (event) => {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!step || !["price", "volume"].includes(event.target.name)) return;
    event.preventDefault();
    stepField(event.target.name, step * (event.shiftKey ? 10 : 1));
  });
  for (const button of form.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => stepField(button.dataset.step, Number(button.dataset.by)));
  }
  for (const chip of form.querySelectorAll("[data-quote]")) {
    chip.addEventListener("click", () => {
      const text = ticker()?.[chip.dataset.quote];
      if (text) ticketPrice(text);
    });
  }
  byId("buy").addEventListener("click", () => submit(1));
  byId("sell").addEventListener("click", () => submit(-1));
}

/** A price picked in the book. */
export function ticketPrice(text) {
  field("price").value = text;
  if (field("kind").value === "MARKET") field("kind").value = "LIMIT";
  mark("ticket");
}

/** A newly chosen instrument: its last price and its smallest sensible volume. */
export function ticketReset() {
  const instrument = spec();
  field("price").value = "";
  field("volume").value = instrument?.kind === "future" ? lotsText(instrument, BigInt(instrument.rates.limit_volume_min)) : "";
  field("budget").value = "";
  if (instrument?.kind === "spot") field("offset").value = "OPEN";
  if (!allowed(instrument, field("kind").value)) field("kind").value = "LIMIT";
  prefill();
  mark("ticket");
}

/** Fill an empty price with the last one, as soon as there is one. */
export function prefill() {
  const instrument = spec();
  const quote = ticker();
  const price = field("price");
  if (!instrument || price.value || document.activeElement === price) return;
  const last = quote?.last_price ?? quote?.bid_price ?? quote?.ask_price;
  if (!last) return;
  price.value = last;
  if (instrument.kind === "spot" && !field("volume").value) field("volume").value = modestVolume(instrument, last);
  mark("ticket");
}

/** About ten times the smallest notional, one digit: a volume that is taken and hurts nobody. */
function modestVolume(instrument, priceText) {
  const worth = (ticksOf(instrument, priceText) ?? 1n) * BigInt(instrument.tick_money);
  const lots = (10n * BigInt(instrument.notional_min)) / worth + BigInt(instrument.rates.limit_volume_min);
  const size = 10n ** BigInt(lots.toString().length - 1);
  return lotsText(instrument, ((lots + size - 1n) / size) * size);
}

/** Open, close, close today in turn. */
export function nextOffset() {
  const usable = [...field("offset")].filter((radio) => !radio.disabled);
  const at = usable.findIndex((radio) => radio.checked);
  usable[(at + 1) % usable.length].checked = true;
  mark("ticket");
}

function stepField(name, by) {
  const instrument = spec();
  if (!instrument) return;
  const input = field(name);
  const isPrice = name === "price";
  const now = (isPrice ? ticksOf : lotsOf)(instrument, plain(input)) ?? 0n;
  const next = now + BigInt(by);
  const held = next < 1n ? 1n : next;
  input.value = isPrice ? priceText(instrument, held) : lotsText(instrument, held);
  mark("ticket");
}

const priceText = (instrument, ticks) => fromUnits(ticks * BigInt(instrument.tick_units), Number(instrument.tick_scale));

const allowed = (instrument, kind) => kind !== "MARKET" || instrument?.allow_market === true;

// ---- what is typed -------------------------------------------------------------------------------

/** The ticket in ticks, lots and units; `wrong` names the fields that are not there or not valid. */
function read(instrument) {
  const kind = field("kind").value;
  const isMarket = kind === "MARKET";
  const isSpot = instrument.kind === "spot";
  const [bestBid, bestAsk] = best();
  const scale = Number(state.scales[instrument.currency] ?? 4);
  return {
    kind,
    isMarket,
    isSpot,
    offset: isSpot ? "OPEN" : field("offset").value,
    price: isMarket ? 0n : ticksOf(instrument, plain(field("price"))),
    lots: lotsOf(instrument, plain(field("volume"))),
    budget: toUnits(plain(field("budget")), scale),
    bestBid,
    bestAsk,
  };
}

/** "" or what is wrong with the price. */
function priceWrong(instrument, order) {
  if (order.isMarket) return "";
  const text = plain(field("price"));
  if (!text) return t("Type a price");
  if (order.price === null) {
    const tick = priceText(instrument, 1n);
    return toUnits(text, 12) === null ? t("Not a number") : t("Prices are multiples of {tick}", { tick });
  }
  const [upper, lower] = bounds(instrument);
  if (order.price > upper) return t("Above the limit {limit}", { limit: grouped(priceText(instrument, upper)) });
  if (order.price < lower) return t("Below the limit {limit}", { limit: grouped(priceText(instrument, lower)) });
  return "";
}

/** "" or what is wrong with the volume. */
function volumeWrong(instrument, order) {
  const text = plain(field("volume"));
  if (!text) return t("Type a volume");
  if (order.lots === null) {
    return toUnits(text, 18) === null ? t("Not a number") : t("Volumes are multiples of {step}", { step: lotsText(instrument, 1n) });
  }
  const fewest = BigInt(order.isMarket ? instrument.rates.market_volume_min : instrument.rates.limit_volume_min);
  const largest = BigInt(orderMost(instrument, order.isMarket));
  if (order.lots < fewest) return t("At least {volume}", { volume: lotsText(instrument, fewest) });
  if (order.lots > largest) return t("At most {volume} an order", { volume: grouped(lotsText(instrument, largest)) });
  return "";
}

// ---- what is held and can be closed --------------------------------------------------------------------------

/** Lots a buy (1) or a sell (−1) can close under the chosen offset. */
export function closable(instrument, side, offset) {
  const row = state.positions.get(instrument.full_id);
  if (!row) return 0n;
  const name = side > 0 ? "volume_short" : "volume_long";
  const of = (tail) => BigInt(row[`${name}${tail}`]);
  if (instrument.close_rule !== "EXPLICIT") return of("") - of("_frozen");
  return offset === "CLOSETODAY" ? of("_today") - of("_frozen_today") : of("_his") - of("_frozen_his");
}

// ---- painting ------------------------------------------------------------------------------------

const SIDES = [
  [1, "buy"],
  [-1, "sell"],
];

function paintTicket() {
  const instrument = spec();
  if (!instrument) return;
  prefill();
  const order = read(instrument);
  paintFields(instrument, order);
  const price = priceWrong(instrument, order);
  const volume = volumeWrong(instrument, order);
  paintHint("price", order.isMarket ? "" : price, order.isMarket ? t("At the best prices, within the protection") : hintOfPrice(instrument));
  paintHint("volume", volume, hintOfVolume(instrument, order));
  const usesBudget = order.isSpot && order.isMarket;
  if (usesBudget) paintHint("budget", "", t("Buying at market spends at most this"));
  paintHolding(instrument);
  for (const [side, name] of SIDES) paintSide(instrument, { ...order, side }, name, price, volume, usesBudget && side > 0);
}

function paintFields(instrument, order) {
  setText(byId("ticket-id"), instrument.id.replace("_", "/"));
  setText(byId("ticket-rule"), order.isSpot ? "" : `× ${grouped(String(instrument.multiplier))}`);
  setText(byId("price-unit"), `${instrument.currency} · ${t("tick")} ${priceText(instrument, 1n)}`);
  setText(byId("volume-unit"), order.isSpot ? instrument.base : t("lots"));
  setText(byId("budget-unit"), instrument.currency);
  byId("budget-field").hidden = !(order.isSpot && order.isMarket);
  byId("gtc-field").style.visibility = ["LIMIT", "POST"].includes(order.kind) ? "visible" : "hidden";
  for (const control of [field("price"), ...form.querySelectorAll('[data-step="price"]')]) control.disabled = order.isMarket;
  for (const radio of field("kind")) if (radio.value === "MARKET") radio.disabled = !instrument.allow_market;
  for (const radio of field("offset")) {
    if (radio.value !== "CLOSETODAY") continue;
    radio.disabled = !(instrument.close_rule === "EXPLICIT" || instrument.closetoday_alias);
    if (radio.disabled && radio.checked) field("offset").value = "CLOSE";
  }
}

/** Both sides of the position, or both wallets of the pair. */
function paintHolding(instrument) {
  const held = state.positions.get(instrument.full_id);
  const isSpot = instrument.kind === "spot";
  const rows = isSpot ? [["a", instrument.base], ["b", instrument.currency]] : [["a", "long"], ["b", "short"]];
  for (const [row, what] of rows) {
    const volume = held?.[`volume_${what}`] ?? "0";
    const isFlat = !isSpot && volume === "0";
    setText(byId(`hold-${row}-name`), isSpot ? what : t(what === "long" ? "Long" : "Short"));
    setText(byId(`hold-${row}`), isSpot ? assetText(walletFree(what), what) : isFlat ? "–" : `${grouped(volume)} @ ${averageText(held[`open_price_${what}`], instrument)}`);
    const profit = isSpot || isFlat ? null : held[`profit_${what}`];
    setText(byId(`hold-${row}-more`), profit === null ? "" : `${signOf(profit) > 0 ? "+" : ""}${money(profit, instrument.currency, state.scales)}`);
    setSign(byId(`hold-${row}-more`), profit === null ? 0 : signOf(profit));
  }
}

const assetText = (units, asset) => grouped(fromUnits(units, Number(state.scales[asset] ?? 0), 2));

function averageText(text, instrument) {
  const units = toUnits(text ?? "", 4);
  return units === null ? "–" : shown(units, 4, Math.min(Number(instrument.tick_scale) + 1, 4));
}

function paintHint(name, wrong, otherwise) {
  const hint = byId(`${name}-hint`);
  const isTyped = wrong && field(name).value !== "";
  setText(hint, (wrong || otherwise) || "\u00a0");
  hint.classList.toggle("is-bad", Boolean(isTyped));
  field(name).setAttribute("aria-invalid", String(Boolean(isTyped)));
}

function hintOfPrice(instrument) {
  if (!BigInt(instrument.upper)) return "";
  const [upper, lower] = bounds(instrument);
  return t("Today {lower} – {upper}", { lower: grouped(priceText(instrument, lower)), upper: grouped(priceText(instrument, upper)) });
}

function hintOfVolume(instrument, order) {
  if (order.isSpot && order.isMarket) return t("Selling at market sells this");
  if (!order.isSpot || !order.price || !order.lots) return "";
  const scale = Number(state.scales[instrument.currency]);
  return `≈ ${shown(order.price * order.lots * BigInt(instrument.tick_money), scale, 2)} ${instrument.currency}`;
}

function paintSide(instrument, order, name, price, volume, usesBudget) {
  const found = order.isSpot ? spotSide(instrument, order) : futuresSide(instrument, order);
  const lastLabel = order.isSpot ? "To lock" : order.offset === "OPEN" ? "Margin to freeze" : "Lots to freeze";
  setText(byId("freeze-label"), t(lastLabel));
  setText(byId("fee-label"), t(order.isSpot ? "Fee, at most" : order.offset === "OPEN" ? "Fee to freeze" : "Fee, about"));
  setText(byId("most-label"), t(order.isSpot || order.offset === "OPEN" ? "At most" : "Closable"));
  setText(byId(`${name}-freeze`), found.freeze);
  setText(byId(`${name}-fee`), found.fee);
  setText(byId(`${name}-most`), found.most === null ? "–" : grouped(lotsText(instrument, found.most)));
  const isOver = found.most !== null && order.lots !== null && order.lots > found.most && !usesBudget;
  byId(`${name}-most`).classList.toggle("is-bad", isOver);
  const button = byId(name);
  setText(button.firstElementChild, t(order.side > 0 ? "Buy" : "Sell"));
  setText(byId(`${name}-note`), noteOf(instrument, order));
  const isWrong = usesBudget ? !order.budget || order.budget <= 0n : Boolean(price || volume);
  const hasNone = order.offset !== "OPEN" && found.most === 0n;
  button.disabled = isWrong || hasNone || state.feed !== "live" || !state.account || instrument.status !== "trading";
}

function noteOf(instrument, order) {
  if (order.isSpot) return order.side > 0 ? t("with {asset}", { asset: instrument.currency }) : t("for {asset}", { asset: instrument.currency });
  if (order.offset === "OPEN") return t(order.side > 0 ? "open long" : "open short");
  if (order.offset === "CLOSE") return t(order.side > 0 ? "close short" : "close long");
  return t(order.side > 0 ? "close today's short" : "close today's long");
}

const yuan = (units, instrument) => shown(units, Number(state.scales[instrument.currency] ?? 4), 2);

function futuresSide(instrument, order) {
  const known = order.price !== null && order.lots !== null;
  if (order.offset === "OPEN") {
    const freeze = known ? openFreeze(instrument, order) : null;
    const most = order.price === null ? null : openMost(instrument, order, fundsUnits());
    return { freeze: freeze ? yuan(freeze.margin, instrument) : "–", fee: freeze ? yuan(freeze.fee, instrument) : "–", most };
  }
  const most = closable(instrument, order.side, order.offset);
  const at = known ? reservePrice(instrument, order.side, order.isMarket, order.price, order.bestBid, order.bestAsk) : null;
  const fee = at ? closeFee(instrument, at, order.offset === "CLOSETODAY") * order.lots : null;
  return { freeze: order.lots === null ? "–" : grouped(String(order.lots)), fee: fee === null ? "–" : yuan(fee, instrument), most };
}

function spotSide(instrument, order) {
  const asset = order.side > 0 ? instrument.currency : instrument.base;
  const most = order.price === null ? null : spotMost(instrument, order, state.scales, walletFree(asset));
  const ready = order.side > 0 && order.isMarket ? order.budget : order.lots;
  const lock = ready === null ? null : spotLock(instrument, order, state.scales);
  if (!lock) return { freeze: "–", fee: "–", most };
  const scale = Number(state.scales[lock.asset]);
  const ratio = [instrument.rates.fee_open_ratio, instrument.rates.fee_close_ratio].map(Number);
  const percent = grouped(fromUnits(BigInt(Math.max(...ratio)), 7, 2));
  return { freeze: `${grouped(fromUnits(lock.amount, scale, 2))} ${lock.asset}`, fee: `${percent}%`, most };
}

// ---- sending -------------------------------------------------------------------------------------

const TIMES = { MARKET: "IOC", IOC: "IOC", FOK: "FOK" };

/** The message of the ticket for one side. */
function message(instrument, order, side) {
  const rests = order.kind === "LIMIT" || order.kind === "POST";
  const usesBudget = order.isSpot && order.isMarket && side > 0;
  return {
    instrument_id: instrument.full_id,
    direction: side > 0 ? "BUY" : "SELL",
    offset: order.offset,
    order_type: order.isMarket ? "MARKET" : "LIMIT",
    time_in_force: rests ? (field("gtc").checked && order.offset !== "CLOSETODAY" ? "GTC" : "DAY") : TIMES[order.kind],
    post_only: order.kind === "POST",
    ...(order.isMarket ? {} : { price: priceText(instrument, order.price) }),
    ...(usesBudget ? { budget: plain(field("budget")) } : { volume: lotsText(instrument, order.lots) }),
  };
}

async function submit(side) {
  const instrument = spec();
  const button = byId(side > 0 ? "buy" : "sell");
  if (!instrument || button.disabled || button.dataset.busy) return;
  button.dataset.busy = "1";
  try {
    await sendOrder(message(instrument, read(instrument), side));
  } finally {
    delete button.dataset.busy;
  }
}
