// What the page knows, and which parts must be painted: message → state → paint once an animation frame.
// Used by every module of the terminal; this one touches no DOM.

import { toUnits } from "./numbers.js";

export const state = {
  feed: "connecting", // connecting | live | stale | off
  scales: {}, // currency → decimal places of its smallest unit
  specs: new Map(), // full id → instrument, as /pages/instruments gives it
  tickers: new Map(), // full id → newest ticker
  chosen: "", // full id
  account: "", // id
  book: { bids: new Map(), asks: new Map() }, // price text → {ticks, volume}
  tape: [], // newest first
  orders: new Map(), // live ones by order id
  trades: new Map(), // today's, by trade id and side
  positions: new Map(), // by full id
  funds: null,
};

const painters = new Map();
const dirty = new Set();
let frame = 0;
export const frames = { painted: 0, slowestMs: 0 };

/** `paint()` runs in the next frame whenever one of `parts` was marked. */
export function painter(parts, paint) {
  for (const part of parts) {
    if (!painters.has(part)) painters.set(part, []);
    painters.get(part).push(paint);
  }
}

/** These parts of the state have changed. Marking twice before a frame paints once. */
export function mark(...parts) {
  for (const part of parts) dirty.add(part);
  if (!frame) frame = requestAnimationFrame(paintAll);
}

function paintAll() {
  frame = 0;
  const began = performance.now();
  const due = new Set();
  for (const part of dirty) for (const paint of painters.get(part) ?? []) due.add(paint);
  dirty.clear();
  for (const paint of due) paint();
  frames.painted += 1;
  frames.slowestMs = Math.max(frames.slowestMs, performance.now() - began);
}

export const spec = () => state.specs.get(state.chosen) ?? null;
export const ticker = () => state.tickers.get(state.chosen) ?? null;
export const fullId = (row) => `${row.exchange_id}.${row.instrument_id}`;

/** A price's text in ticks, a BigInt; null for what is no price of this instrument. */
export function ticksOf(instrument, text) {
  const units = toUnits(text, Number(instrument.tick_scale));
  const step = BigInt(instrument.tick_units);
  return units === null || units % step ? null : units / step;
}

/** A volume's text in lots, a BigInt; null for what is no volume of this instrument. */
export function lotsOf(instrument, text) {
  const units = toUnits(text, Number(instrument.lot_scale));
  const step = BigInt(instrument.lot_units);
  return units === null || units % step ? null : units / step;
}

/** The funds of the account in units. */
export function fundsUnits() {
  const { funds } = state;
  if (!funds) return null;
  const scale = Number(state.scales[funds.currency] ?? 4);
  const units = (name) => toUnits(funds[name], scale) ?? 0n;
  return {
    available: units("available"),
    balance: units("balance"),
    margin: units("margin"),
    frozenMargin: units("frozen_margin"),
    frozenCommission: units("frozen_commission"),
  };
}

/** The free units of a wallet. */
export function walletFree(asset) {
  const wallet = state.funds?.wallets.find((entry) => entry.asset === asset);
  return wallet ? (toUnits(wallet.available, Number(state.scales[asset])) ?? 0n) : 0n;
}
