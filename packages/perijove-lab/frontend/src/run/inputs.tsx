import React from 'react';
import { size } from '../jobs/words';
import type { IFieldsProps } from './parts';
import type { IInput } from './types';

/** Files that the code names, to be ticked; and room for others. */
export function Inputs({ known, fields, change, trans }: IFieldsProps): React.JSX.Element {
  const { inputs } = known.proposal;
  const tick = (path: string, on: boolean) => {
    const chosen = new Set(fields.inputs);
    if (on) {
      chosen.add(path);
    } else {
      chosen.delete(path);
    }
    change({ inputs: chosen });
  };
  const facts = (input: IInput) =>
    [
      input.folder ? trans._n('%1 file', '%1 files', input.files) : '',
      size(input.size),
      input.sent ? trans.__('already in the history') : '',
      input.written ? trans.__('the code writes it') : ''
    ]
      .filter(Boolean)
      .join(', ');
  return (
    <fieldset className="pj-Group">
      <legend>{trans.__('Input files')}</legend>
      {inputs.length === 0 && <p>{trans.__('The code names no files that lie beside it.')}</p>}
      {inputs.map(input => (
        <label key={input.path} className="pj-Tick">
          <input
            type="checkbox"
            name="input"
            value={input.path}
            checked={fields.inputs.has(input.path)}
            onChange={event => tick(input.path, event.target.checked)}
          />
          <span>
            {input.path} <small>{facts(input)}</small>
          </span>
        </label>
      ))}
      <details>
        <summary>{trans.__('Other files')}</summary>
        <label className="pj-Field">
          <span>{trans.__('Paths as the code names them, one in a line')}</span>
          <textarea
            name="more"
            rows={2}
            value={fields.more}
            onChange={event => change({ more: event.target.value })}
          />
        </label>
      </details>
    </fieldset>
  );
}
