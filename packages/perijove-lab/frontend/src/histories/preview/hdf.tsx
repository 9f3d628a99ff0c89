import React from 'react';
import { TextPreview } from './text';
import type { IPreviewProps } from './props';

interface IArray {
  name: string;
  shape: number[];
  dtype: string;
}

interface IGroup {
  groups: Map<string, IGroup>;
  arrays: IArray[];
}

/** The tree of an HDF5 file: groups, and arrays with shapes and types. */
export function HdfPreview(props: IPreviewProps): React.JSX.Element {
  const { dataset, trans } = props;
  const arrays = dataset.metadata_datasets as IArray[] | undefined;
  if (!Array.isArray(arrays)) {
    return <TextPreview {...props} />;
  }
  const count = Number(dataset.metadata_dataset_count ?? arrays.length);
  return (
    <>
      <p className="pj-Hint">
        {count > arrays.length
          ? trans.__('The first %1 of %2 arrays', arrays.length, count)
          : trans._n('%1 array', '%1 arrays', count)}
      </p>
      <Group group={treeOf(arrays)} />
    </>
  );
}

function Group({ group }: { group: IGroup }): React.JSX.Element {
  return (
    <ul className="pj-Tree">
      {[...group.groups].map(([name, inner]) => (
        <li key={`group ${name}`}>
          <details open>
            <summary>{name}/</summary>
            <Group group={inner} />
          </details>
        </li>
      ))}
      {group.arrays.map(array => (
        <li key={array.name}>
          <code>{array.name.split('/').pop()}</code>{' '}
          <span className="pj-Row-facts">
            {array.dtype} ({array.shape.join(' × ') || '1'})
          </span>
        </li>
      ))}
    </ul>
  );
}

function treeOf(arrays: IArray[]): IGroup {
  const root: IGroup = { groups: new Map(), arrays: [] };
  for (const array of arrays) {
    let group = root;
    for (const name of array.name.split('/').slice(0, -1)) {
      const inner = group.groups.get(name) ?? { groups: new Map(), arrays: [] };
      group.groups.set(name, inner);
      group = inner;
    }
    group.arrays.push(array);
  }
  return root;
}
