import React from 'react';
import { NEW_HISTORY } from './form';
import { Inputs } from './inputs';
import { Text, type IFieldsProps } from './parts';
import { Parameters } from './parameters';
import { Resources } from './resources';

/** All fields of the dialog; those that this server’s tool does not take are left out. */
export function Fields(props: IFieldsProps): React.JSX.Element {
  const { known, fields, change, trans } = props;
  const can = (option: string) => known.proposal.takes.includes(option);
  return (
    <>
      {can('name') && (
        <Text
          label={trans.__('Name')}
          name="name"
          value={fields.name}
          set={name => change({ name })}
        />
      )}
      <Inputs {...props} />
      {can('parameters') && <Parameters {...props} />}
      <Resources {...props} />
      <History {...props} />
      {can('time_limit') && (
        <Text
          label={trans.__('Time limit in minutes')}
          name="limit"
          value={fields.limit}
          placeholder={trans.__('none')}
          set={limit => change({ limit })}
        />
      )}
      {can('network') && <Network {...props} />}
    </>
  );
}

function History({ known, fields, change, trans }: IFieldsProps): React.JSX.Element {
  return (
    <>
      <label className="pj-Field">
        <span>{trans.__('History')}</span>
        <select
          name="history"
          value={fields.history}
          onChange={event => change({ history: event.target.value })}
        >
          {known.histories.map(one => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
          <option value={NEW_HISTORY}>{trans.__('A new history')}</option>
        </select>
      </label>
      {fields.history === NEW_HISTORY && (
        <Text
          label={trans.__('Name of the new history')}
          name="new-history"
          value={fields.newHistory}
          set={newHistory => change({ newHistory })}
        />
      )}
    </>
  );
}

function Network({ fields, change, trans }: IFieldsProps): React.JSX.Element {
  return (
    <label className="pj-Field">
      <span>{trans.__('Network')}</span>
      <select
        name="network"
        value={fields.network}
        onChange={event => change({ network: event.target.value })}
      >
        <option value="">{trans.__('as usual here')}</option>
        <option value="none">{trans.__('none')}</option>
        <option value="open">{trans.__('open')}</option>
      </select>
    </label>
  );
}
