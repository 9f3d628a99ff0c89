import React, { useEffect, useState } from 'react';
import { inWords } from '../../platform/errors';
import type { IPreviewProps } from './props';

/** A notebook as it was executed. Its frame runs no script and belongs to no origin. */
export function NotebookPreview({ dataset, platform, trans }: IPreviewProps): React.JSX.Element {
  const [page, setPage] = useState<string | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  useEffect(() => {
    platform
      .door<{ html: string }>(`histories/notebook?dataset=${dataset.id}`)
      .then(({ html }) => setPage(html), setProblem);
  }, [platform, dataset.id]);
  if (problem !== null) {
    return <p role="alert">{inWords(problem)}</p>;
  }
  return page === null ? (
    <p className="pj-Hint">{trans.__('Looking…')}</p>
  ) : (
    <iframe className="pj-Preview-frame" sandbox="" srcDoc={page} title={dataset.name} />
  );
}
