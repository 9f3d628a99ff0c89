const WORDS: Record<string, string> = {
  ext: 'extension-eq',
  type: 'extension-eq',
  state: 'state-eq',
  tag: 'tag-eq'
};

/**
 * Galaxy's filters for what stands in the search box: `ct tag:lung type:h5 state:ok`. Words without a
 * colon are looked for in the name, together.
 */
export function filtersOf(text: string, deleted: boolean): string[][] {
  const found: string[][] = [['deleted', deleted ? 'true' : 'false']];
  if (!deleted) {
    found.push(['visible', 'true']);
  }
  const words: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const [key = '', value = ''] = split(word);
    const filter = WORDS[key];
    if (filter && value) {
      found.push([filter, value]);
    } else {
      words.push(word);
    }
  }
  return words.length ? [...found, ['name-contains', words.join(' ')]] : found;
}

function split(word: string): string[] {
  const colon = word.indexOf(':');
  return colon < 0 ? [word] : [word.slice(0, colon), word.slice(colon + 1)];
}
