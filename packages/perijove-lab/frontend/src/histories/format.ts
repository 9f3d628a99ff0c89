const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** 1532000 → `1.5 MB`, as Galaxy's own pages count (1 kB = 1000 B). */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}
