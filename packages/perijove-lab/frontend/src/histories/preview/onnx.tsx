import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { TextPreview } from './text';
import type { IPreviewProps } from './props';

interface ITensor {
  name: string;
  dtype: string;
  shape: (number | string | null)[];
}

/** What an ONNX model takes and gives, and where it comes from. */
export function OnnxPreview(props: IPreviewProps): React.JSX.Element {
  const { dataset, trans } = props;
  const inputs = dataset.metadata_inputs as ITensor[] | undefined;
  const outputs = dataset.metadata_outputs as ITensor[] | undefined;
  if (!Array.isArray(inputs) || !Array.isArray(outputs)) {
    return <TextPreview {...props} />;
  }
  const opset = Object.entries((dataset.metadata_opset ?? {}) as Record<string, number>);
  const from = [
    dataset.metadata_producer,
    ...opset.map(([domain, version]) => `${domain} ${version}`)
  ];
  return (
    <>
      <p>{dataset.misc_blurb}</p>
      <p className="pj-Hint">{from.filter(Boolean).join(' · ')}</p>
      <Tensors title={trans.__('It takes')} tensors={inputs} trans={trans} />
      <Tensors title={trans.__('It gives')} tensors={outputs} trans={trans} />
    </>
  );
}

function Tensors(props: {
  title: string;
  tensors: ITensor[];
  trans: TranslationBundle;
}): React.JSX.Element {
  const { title, tensors, trans } = props;
  return (
    <>
      <h3>{title}</h3>
      <table>
        <thead>
          <tr>
            {[trans.__('name'), trans.__('type'), trans.__('shape')].map(heading => (
              <th key={heading} scope="col">
                {heading}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tensors.map(tensor => (
            <tr key={tensor.name}>
              <td>
                <code>{tensor.name}</code>
              </td>
              <td>{tensor.dtype}</td>
              <td>{tensor.shape.map(size => size ?? '?').join(' × ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
