import React from 'react';
import type { IPreviewProps } from './widget';

/** A picture. As an image element it can run no script, whatever an SVG holds. */
export function ImagePreview({ dataset, platform }: IPreviewProps): React.JSX.Element {
  return (
    <img
      className="pj-Preview-image"
      src={platform.galaxyUrl(`api/datasets/${dataset.id}/display`)}
      alt={dataset.name}
    />
  );
}
