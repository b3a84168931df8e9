const SI = ["", "k", "M", "G", "T", "P"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

function scaled(value, base, units, gap) {
  let magnitude = Math.abs(value);
  let unit = 0;
  while (magnitude >= base && unit < units.length - 1) {
    magnitude /= base;
    unit++;
  }
  const digits = magnitude >= 100 || Number.isInteger(magnitude) ? 0 : magnitude >= 10 ? 1 : 2;
  return (value < 0 ? "-" : "") + magnitude.toFixed(digits) + gap + units[unit];
}

export const units = {
  number: (v) => (v !== 0 && Math.abs(v) < 0.01 ? v.toExponential(1) : scaled(v, 1000, SI, "")),
  bytes: (v) => scaled(v, 1024, BINARY, " "),
  percent: (v) => (100 * v).toFixed(v < 0.1 ? 1 : 0) + " %",
  milliseconds: (v) => scaled(v, 1e9, [""], "") + " ms",
};

/** The unit that a series' name suggests. */
export function unitOf(name) {
  const metric = name.split(";", 1)[0];
  if (/\.cpu\.usage$/.test(metric)) return "percent";
  if (/memory\.(used|committed|max|allocated|promoted)|(journal|data)\.size|backlog$/.test(metric)) {
    return "bytes";
  }
  return "number";
}

/** Splits a canonical name into metric and tags. */
export function partsOf(name) {
  const [metric, ...tags] = name.split(";");
  return { metric, tags: tags.filter((tag) => !tag.startsWith("statistic=")) };
}
