import React, { useEffect, useState } from 'react';
import { inWords, refusal } from '../../platform/errors';
import type { IPlatform } from '../../tokens';
import type { IPreviewProps } from './props';

const TYPES: Record<string, string> = { svg: 'image/svg+xml', jpg: 'image/jpeg' };

/** A picture. As an image element it can run no script, whatever an SVG holds. */
export function ImagePreview({ dataset, platform, trans }: IPreviewProps): React.JSX.Element {
  const [picture, setPicture] = useState('');
  const [problem, setProblem] = useState<unknown>(null);
  const { id, extension = '' } = dataset;
  useEffect(() => {
    let url = '';
    fetched(platform, id, extension).then(blob => {
      url = URL.createObjectURL(blob);
      setPicture(url);
    }, setProblem);
    return () => URL.revokeObjectURL(url);
  }, [platform, id, extension]);
  if (problem !== null) {
    return <p role="alert">{inWords(problem)}</p>;
  }
  return picture === '' ? (
    <p className="pj-Hint">{trans.__('Looking…')}</p>
  ) : (
    <img className="pj-Preview-image" src={picture} alt={dataset.name} />
  );
}

/** A history server sends every dataset as bytes to be saved; here it is said what they are. */
async function fetched(platform: IPlatform, id: string, extension: string): Promise<Blob> {
  const url = platform.galaxyUrl(`api/datasets/${id}/display`);
  const response = await fetch(url, { headers: platform.headers });
  if (!response.ok) {
    throw refusal(response.status, await response.text());
  }
  return new Blob([await response.arrayBuffer()], {
    type: TYPES[extension] ?? `image/${extension}`
  });
}
