// Exact numbers: what arrives stays text, what is computed is a BigInt of smallest units. No float touches money.
// Used by every module of the terminal.

const TOKEN = /("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;
const NUMBER = /^-?\d+(\.\d+)?$/;

/** JSON in which every number is the text it was sent as: "1299.40" stays "1299.40". */
export function parseExact(body) {
  return JSON.parse(body.replace(TOKEN, (token, string) => (string === undefined ? `"${token}"` : token)));
}

/** Decimal text in units of 10^-scale, a BigInt; null for anything else, and for more places than the scale. */
export function toUnits(text, scale) {
  if (typeof text !== "string" || text.length > 60 || !NUMBER.test(text)) return null;
  const [whole, places = ""] = text.split(".");
  const kept = places.replace(/0+$/, "");
  if (kept.length > scale) return null;
  const sign = whole.startsWith("-") ? -1n : 1n;
  return sign * BigInt(whole.replace("-", "") + kept.padEnd(scale, "0"));
}

/** Units of 10^-scale as decimal text with at least `least` places and no zeros behind those. */
export function fromUnits(units, scale, least = scale) {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const places = digits.slice(digits.length - scale).replace(/0+$/, "").padEnd(Math.min(least, scale), "0");
  return `${units < 0n ? "−" : ""}${whole}${places ? `.${places}` : ""}`;
}

/** As people read it: thousands apart, a true minus. */
export function grouped(text) {
  const [whole, places] = text.replace("-", "−").split(".");
  const apart = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return places === undefined ? apart : `${apart}.${places}`;
}

/** Units rounded half up (away from zero below it) to `places`, as people read it. */
export function shown(units, scale, places) {
  if (places >= scale) return grouped(fromUnits(units, scale, places));
  const step = 10n ** BigInt(scale - places);
  const size = units < 0n ? -units : units;
  const rounded = (size + step / 2n) / step;
  return grouped(fromUnits(units < 0n ? -rounded : rounded, places));
}

/** A currency's amount as people read it: yuan with 2 places, assets with what they need, at least 2. */
export function money(text, currency, scales) {
  const scale = Number(scales[currency] ?? 4);
  const units = toUnits(text ?? "", scale);
  if (units === null) return "–";
  return currency === "CNY" ? shown(units, scale, 2) : grouped(fromUnits(units, scale, 2));
}

/** −1, 0 or 1 of decimal text. */
export function signOf(text) {
  const units = toUnits(text ?? "0", 18) ?? 0n;
  return units < 0n ? -1 : units > 0n ? 1 : 0;
}

/** part ÷ whole in percent with 2 places and a sign, from texts; "" when there is no whole. */
export function percent(part, whole) {
  if (whole === 0n) return "";
  const size = ((part < 0n ? -part : part) * 100000n) / whole;
  const rounded = (size + 5n) / 10n;
  return `${part < 0n && rounded ? "−" : rounded ? "+" : ""}${fromUnits(rounded, 2)}%`;
}

/** value × ratio (10⁻⁹) rounded half up; both ≥ 0. The venue's one rounding of margin and fees. */
export function ratioOf(value, ratio) {
  return (value * BigInt(ratio) + 500000000n) / 1000000000n;
}

export const least = (a, b) => (a < b ? a : b);
export const most = (a, b) => (a > b ? a : b);
export const divUp = (a, b) => (a + b - 1n) / b;
