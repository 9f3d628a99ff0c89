/** How the atoms of a structure can be coloured. */
export type Colouring = 'confidence' | 'chain';

/** AlphaFold's own four colours for its confidence (pLDDT, 0 to 100). */
const BANDS: readonly (readonly [above: number, colour: string])[] = [
  [90, '#0053d6'],
  [70, '#65cbf3'],
  [50, '#ffdb13'],
  [-Infinity, '#ff7d45']
];

const CHAINS = ['#4477aa', '#ee6677', '#228833', '#ccbb44', '#66ccee', '#aa3377'] as const;

/** What a structure's file says of its chains and of the column that holds B-factors or confidence. */
export interface IFacts {
  readonly chains: readonly string[];
  readonly residues: number;
  readonly lowest: number;
  readonly highest: number;
}

/** Read the Cα atoms of a PDB file. */
export function factsOf(pdb: string): IFacts {
  const chains = new Set<string>();
  const values: number[] = [];
  for (const line of pdb.split('\n')) {
    if (line.startsWith('ATOM') && line.slice(12, 16).trim() === 'CA') {
      chains.add(line.slice(21, 22).trim());
      values.push(Number(line.slice(60, 66)) || 0);
    }
  }
  return {
    chains: [...chains],
    residues: values.length,
    lowest: values.length > 0 ? Math.min(...values) : 0,
    highest: values.length > 0 ? Math.max(...values) : 0
  };
}

/** Whether the column can be a pLDDT: errors in ångström and B-factors of crystals are small or beyond 100. */
export function holdsConfidence(facts: IFacts): boolean {
  return facts.lowest >= 0 && facts.highest <= 100 && facts.highest > 20;
}

/** The colour of an atom. Where the column is no confidence: a scale from its lowest value to its highest. */
export function colourOf(
  atom: { b?: number; chain?: string },
  colouring: Colouring,
  facts: IFacts
): string {
  if (colouring === 'chain') {
    const index = Math.max(0, facts.chains.indexOf((atom.chain ?? '').trim()));
    return CHAINS[index % CHAINS.length] ?? CHAINS[0];
  }
  const value = atom.b ?? 0;
  if (holdsConfidence(facts)) {
    return BANDS.find(([above]) => value > above)?.[1] ?? '#ff7d45';
  }
  const part = (value - facts.lowest) / (facts.highest - facts.lowest || 1);
  return mixed(part);
}

/** From a sure yellow to an unsure violet; written as the library reads it, which knows no `hsl()`. */
function mixed(part: number): string {
  const [sure, unsure] = [
    [0xe8, 0xc5, 0x47],
    [0x48, 0x1a, 0x6c]
  ] as const;
  const channels = sure.map((from, index) =>
    Math.round(from + ((unsure[index] ?? 0) - from) * part)
  );
  return `#${channels.map(channel => channel.toString(16).padStart(2, '0')).join('')}`;
}
