import React from 'react';
import { amountsOf, Text, type IFieldsProps } from './parts';

/** Flavors with what is free now; on a Galaxy, amounts. */
export function Resources(props: IFieldsProps): React.JSX.Element | null {
  return props.known.proposal.takes.includes('flavor') ? (
    <Flavors {...props} />
  ) : (
    <Amounts {...props} />
  );
}

function Flavors({ known, fields, change, trans }: IFieldsProps): React.JSX.Element {
  const { flavors, machine } = known;
  return (
    <fieldset className="pj-Group">
      <legend>{trans.__('Size')}</legend>
      {flavors.map(({ flavor, fits_now }) => (
        <label key={flavor.name} className="pj-Tick">
          <input
            type="radio"
            name="flavor"
            value={flavor.name}
            checked={fields.flavor === flavor.name}
            onChange={() => change({ flavor: flavor.name })}
          />
          <span>
            {flavor.title || flavor.name}{' '}
            <small>
              {amountsOf(flavor, trans)} ·{' '}
              {fits_now ? trans.__('starts now') : trans.__('has to wait')}
            </small>
          </span>
        </label>
      ))}
      {machine !== null && (
        <p className="pj-Hint">
          {trans.__(
            'Free now: %1 of %2.',
            amountsOf(machine.free, trans),
            amountsOf(machine.total, trans)
          )}{' '}
          {machine.waiting_jobs > 0 &&
            trans._n('%1 job waits.', '%1 jobs wait.', machine.waiting_jobs)}
        </p>
      )}
    </fieldset>
  );
}

function Amounts({ known, fields, change, trans }: IFieldsProps): React.JSX.Element | null {
  const all = [
    { option: 'cpus', label: trans.__('CPUs'), value: fields.cpus },
    { option: 'memory', label: trans.__('Memory, as 8G'), value: fields.memory },
    { option: 'gpus', label: trans.__('GPUs'), value: fields.gpus }
  ];
  const taken = all.filter(one => known.proposal.takes.includes(one.option));
  if (taken.length === 0) {
    return null;
  }
  return (
    <fieldset className="pj-Group">
      <legend>{trans.__('Size')}</legend>
      {taken.map(one => (
        <Text
          key={one.option}
          label={one.label}
          name={one.option}
          value={one.value}
          placeholder={trans.__('as usual there')}
          set={value => change({ [one.option]: value })}
        />
      ))}
    </fieldset>
  );
}
