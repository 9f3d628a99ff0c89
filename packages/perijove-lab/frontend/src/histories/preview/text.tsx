import React from 'react';
import { inWords } from '../../platform/errors';
import { useBeginning } from './content';
import type { IPreviewProps } from './props';

const BYTES = 100_000;
const BINARY = /[\u0000-\u0008\u000e-\u001a]/;

/** The beginning of a text; of anything else, what the server found out about it. */
export function TextPreview({ dataset, platform, trans }: IPreviewProps): React.JSX.Element {
  const [found, problem] = useBeginning(platform, dataset.id, BYTES);
  if (problem !== null) {
    return <p role="alert">{inWords(problem)}</p>;
  }
  if (!found) {
    return <p className="pj-Hint">{trans.__('Looking…')}</p>;
  }
  if (BINARY.test(found.text)) {
    const facts = [dataset.misc_blurb, dataset.peek].filter(Boolean).join('\n');
    return <pre tabIndex={0}>{facts || trans.__('A file of bytes, not of text.')}</pre>;
  }
  return (
    <>
      {found.cut ? <p className="pj-Hint">{trans.__('Only its beginning.')}</p> : null}
      <pre tabIndex={0}>{found.text}</pre>
    </>
  );
}
