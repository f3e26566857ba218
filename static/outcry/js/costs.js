// What an order freezes before it is sent, by the venue's own rules in the venue's own integers (trading rules §5, §9).
// Pure: spec and numbers in, BigInts out. tests/stack/pages compares it with the engine.

import { divUp, least, most, ratioOf } from "./numbers.js";

const ONE = 1000000000n;
const PRICE_MAX = 2147483647n;

/** [upper, lower] an order's price may have, in ticks: the day's limits, or the band around the last price. */
export function bounds(spec) {
  if (BigInt(spec.upper)) return [BigInt(spec.upper), BigInt(spec.lower)];
  const reference = BigInt(spec.last) || BigInt(spec.listing_price);
  const factor = BigInt(spec.band_factor);
  return [least(reference * factor, PRICE_MAX), most(1n, divUp(reference, factor))];
}

/** The farthest price a market order may trade at, in ticks; `side` 1 buys, −1 sells; `best` of the other side. */
export function protection(spec, side, best) {
  const [upper, lower] = bounds(spec);
  const ratio = BigInt(spec.protection_ratio);
  if (!ratio) return side > 0 ? upper : lower;
  if (side > 0) return least((best * (ONE + ratio)) / ONE, upper);
  return most(divUp(best * (ONE - ratio), ONE), lower);
}

/** {margin, fee} of one lot opened at `price` ticks, money units. */
export function lotCosts(spec, side, price) {
  const value = price * BigInt(spec.tick_money);
  const { rates } = spec;
  const margin =
    side > 0
      ? ratioOf(value, rates.margin_long_ratio) + BigInt(rates.margin_long_lot)
      : ratioOf(value, rates.margin_short_ratio) + BigInt(rates.margin_short_lot);
  return { margin, fee: ratioOf(value, rates.fee_open_ratio) + BigInt(rates.fee_open_lot) };
}

/** The fee of one lot closed at `price` ticks; `isToday` for a lot opened today. */
export function closeFee(spec, price, isToday) {
  const value = price * BigInt(spec.tick_money);
  const { rates } = spec;
  return isToday
    ? ratioOf(value, rates.fee_today_ratio) + BigInt(rates.fee_today_lot)
    : ratioOf(value, rates.fee_close_ratio) + BigInt(rates.fee_close_lot);
}

/** The price an order reserves at: its own, a market order's bound; a sell opens at the better bid if higher. */
export function reservePrice(spec, side, isMarket, price, bestBid, bestAsk) {
  let at = price;
  if (isMarket) {
    const best = side > 0 ? bestAsk : bestBid;
    if (!best) return null;
    at = protection(spec, side, best);
  }
  return side < 0 && bestBid && bestBid > at ? bestBid : at;
}

/** {margin, fee} an opening order of `lots` freezes; null when its price is not known yet. */
export function openFreeze(spec, order) {
  const at = reservePrice(spec, order.side, order.isMarket, order.price, order.bestBid, order.bestAsk);
  if (!at) return null;
  const lot = lotCosts(spec, order.side, at);
  return { margin: lot.margin * order.lots, fee: lot.fee * order.lots };
}

/** {asset, amount} a spot order locks; null when its price is not known yet. */
export function spotLock(spec, order, scales) {
  if (order.side < 0) return { asset: spec.base, amount: order.lots * baseLot(spec, scales) };
  if (order.isMarket) return { asset: spec.currency, amount: order.budget };
  return order.price ? { asset: spec.currency, amount: order.price * order.lots * BigInt(spec.tick_money) } : null;
}

/** Units of the base asset in one lot. */
export function baseLot(spec, scales) {
  return BigInt(spec.lot_units) * 10n ** BigInt(Number(scales[spec.base]) - Number(spec.lot_scale));
}

/** How many lots the free money opens: within available, and so that the risk ratio stays ≤ 0.95. */
export function openMost(spec, order, funds) {
  const at = reservePrice(spec, order.side, order.isMarket, order.price, order.bestBid, order.bestAsk);
  if (!at || !funds || funds.available <= 0n) return at && funds ? 0n : null;
  const lot = lotCosts(spec, order.side, at);
  const byMoney = lot.margin + lot.fee ? funds.available / (lot.margin + lot.fee) : PRICE_MAX;
  const room = 950n * (funds.balance - funds.frozenCommission) - 1000n * (funds.margin + funds.frozenMargin);
  const perLot = 1000n * lot.margin + 950n * lot.fee;
  const byRisk = room <= 0n ? 0n : perLot ? room / perLot : PRICE_MAX;
  return least(least(byMoney, byRisk), BigInt(orderMost(spec, order.isMarket)));
}

/** How many lots the free wallet trades. */
export function spotMost(spec, order, scales, free) {
  if (order.side < 0) return free / baseLot(spec, scales);
  if (order.isMarket || !order.price) return null;
  return least(free / (order.price * BigInt(spec.tick_money)), BigInt(orderMost(spec, false)));
}

/** The largest order in lots. */
export function orderMost(spec, isMarket) {
  return Number(isMarket ? spec.rates.market_volume_max : spec.rates.limit_volume_max);
}
