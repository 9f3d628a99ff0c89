import type React from 'react';
import type { IContent } from './galaxy';

/** A dataset carried over a notebook is dropped as the code that gets it. */
export function carry(content: IContent, event: React.DragEvent): void {
  event.dataTransfer.setData('text/plain', codeFor(content));
  event.dataTransfer.effectAllowed = 'copy';
}

/** `ct_h5 = get(12, history_id="…")  # ct.h5`: a line that works wherever the cell is. */
export function codeFor(content: IContent): string {
  const name = content.name.replace(/\s+/g, ' ');
  return `${variableFor(content.name)} = get(${content.hid}, history_id="${content.history_id}")  # ${name}`;
}

/** A Python name made of `name`. */
export function variableFor(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toLowerCase();
  if (plain === '') {
    return 'data';
  }
  return /^[0-9]/.test(plain) ? `data_${plain}` : plain;
}
