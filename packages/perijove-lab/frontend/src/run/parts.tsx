import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { size } from '../jobs/words';
import type { IFields } from './form';
import type { IKnown } from './types';

/** What every part of the dialog is given. */
export interface IFieldsProps {
  known: IKnown;
  fields: IFields;
  change: (some: Partial<IFields>) => void;
  trans: TranslationBundle;
}

/** One line of text with its label. */
export function Text(props: {
  label: string;
  name: string;
  value: string;
  placeholder?: string;
  set: (value: string) => void;
}): React.JSX.Element {
  return (
    <label className="pj-Field">
      <span>{props.label}</span>
      <input
        type="text"
        name={props.name}
        value={props.value}
        placeholder={props.placeholder}
        autoComplete="off"
        onChange={event => props.set(event.target.value)}
      />
    </label>
  );
}

/** `2 CPUs, 4.0 GiB, 1 GPU`. */
export function amountsOf(
  amounts: { cpus: number; memory: number; gpus: number },
  trans: TranslationBundle
): string {
  const parts = [trans._n('%1 CPU', '%1 CPUs', amounts.cpus), size(amounts.memory)];
  if (amounts.gpus > 0) {
    parts.push(trans._n('%1 GPU', '%1 GPUs', amounts.gpus));
  }
  return parts.join(', ');
}
