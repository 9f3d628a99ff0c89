import React from 'react';
import { Text, type IFieldsProps } from './parts';

/** The cell tagged `parameters` as a form. */
export function Parameters({
  known,
  fields,
  change,
  trans
}: IFieldsProps): React.JSX.Element | null {
  const { parameters } = known.proposal;
  if (parameters.length === 0) {
    return null;
  }
  const set = (name: string, text: string) =>
    change({ parameters: { ...fields.parameters, [name]: text } });
  return (
    <fieldset className="pj-Group">
      <legend>{trans.__('Parameters')}</legend>
      {parameters.map(({ name, kind }) =>
        kind === 'boolean' ? (
          <label key={name} className="pj-Tick">
            <input
              type="checkbox"
              name={`parameter-${name}`}
              checked={fields.parameters[name] === 'true'}
              onChange={event => set(name, String(event.target.checked))}
            />
            <span>{name}</span>
          </label>
        ) : (
          <Text
            key={name}
            label={name}
            name={`parameter-${name}`}
            value={fields.parameters[name] ?? ''}
            set={text => set(name, text)}
          />
        )
      )}
    </fieldset>
  );
}
