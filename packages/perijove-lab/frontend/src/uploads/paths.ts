import type { IElementIdentifier } from '../histories/galaxy';

/** Whether a file, or a folder above it, is hidden: its name begins with a dot. */
export function isHidden(path: string): boolean {
  return path.split('/').some(part => part.startsWith('.'));
}

/** `ct/masks/a.png` → `masks/a.png`: without the folder's own name. */
export function inFolder(path: string): string {
  return path.split('/').slice(1).join('/');
}

interface IPart {
  path: string;
  dataset: string;
}

/** What a folder's files are as a collection. */
export interface IShape {
  collection_type: 'list' | 'list:list';
  element_identifiers: IElementIdentifier[];
}

/**
 * A list of lists where every file lies in a folder of the folder, and no deeper; else one flat list, whose
 * identifiers are the paths in the folder: Galaxy takes them as they are, and `get` makes folders of them.
 */
export function shapeOf(parts: IPart[]): IShape {
  const sorted = [...parts].sort((one, other) => compare(one.path, other.path));
  if (!sorted.every(({ path }) => path.split('/').length === 2)) {
    return { collection_type: 'list', element_identifiers: sorted.map(part => leaf(part)) };
  }
  const groups = new Map<string, IPart[]>();
  for (const part of sorted) {
    const [name = ''] = part.path.split('/');
    groups.set(name, [...(groups.get(name) ?? []), part]);
  }
  const element_identifiers = [...groups].map(([name, members]) => ({
    src: 'new_collection' as const,
    collection_type: 'list',
    name,
    element_identifiers: members.map(({ path, dataset }) => leaf({ path: inFolder(path), dataset }))
  }));
  return { collection_type: 'list:list', element_identifiers };
}

function leaf({ path, dataset }: IPart): IElementIdentifier {
  return { src: 'hda', id: dataset, name: path };
}

/** `ct-2` comes before `ct-10`. */
function compare(one: string, other: string): number {
  return one.localeCompare(other, undefined, { numeric: true });
}
