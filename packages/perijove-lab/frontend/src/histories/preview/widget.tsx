import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React, { useEffect, useState } from 'react';
import { inWords } from '../../platform/errors';
import type { IPlatform } from '../../tokens';
import type { Histories, IContent, IDataset } from '../galaxy';
import { CollectionPreview } from './collection';
import { HdfPreview } from './hdf';
import { ImagePreview } from './image';
import { NotebookPreview } from './notebook';
import { OnnxPreview } from './onnx';
import { TablePreview } from './table';
import type { IPreviewProps } from './props';
import { TextPreview } from './text';

const KINDS: Record<string, (props: IPreviewProps) => React.JSX.Element> = {
  csv: TablePreview,
  tsv: TablePreview,
  tabular: TablePreview,
  h5: HdfPreview,
  hdf5: HdfPreview,
  onnx: OnnxPreview,
  ipynb: NotebookPreview,
  png: ImagePreview,
  jpg: ImagePreview,
  jpeg: ImagePreview,
  gif: ImagePreview,
  svg: ImagePreview,
  webp: ImagePreview,
  bmp: ImagePreview
};

const AGAIN = 2000; // milliseconds

/** What is in a dataset, without getting it: in a tab of the main area. */
export class Preview extends ReactWidget {
  constructor(
    private readonly content: IContent,
    private readonly api: Histories,
    private readonly platform: IPlatform,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.id = `perijove-preview-${content.id}`;
    this.addClass('pj-Preview');
    this.title.label = `${content.hid}: ${content.name}`;
    this.title.caption = content.name;
    this.title.closable = true;
  }

  protected override render(): React.JSX.Element {
    const { content, api, platform, trans } = this;
    return content.history_content_type === 'dataset' ? (
      <DatasetPreview content={content} api={api} platform={platform} trans={trans} />
    ) : (
      <CollectionPreview content={content} api={api} trans={trans} />
    );
  }
}

function DatasetPreview(props: {
  content: IContent;
  api: Histories;
  platform: IPlatform;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { content, api, platform, trans } = props;
  const [dataset, setDataset] = useState<IDataset | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const pending = dataset === null || dataset.inspection === 'pending';
  useEffect(() => {
    const ask = (): void => void api.dataset(content.id).then(setDataset, setProblem);
    ask();
    // What is in the file is read by the server a moment after the file itself is there.
    const timer = pending ? setInterval(ask, AGAIN) : 0;
    return () => clearInterval(timer);
  }, [api, content.id, pending]);
  if (problem !== null) {
    return <p role="alert">{inWords(problem)}</p>;
  }
  if (!dataset) {
    return <p className="pj-Hint">{trans.__('Looking…')}</p>;
  }
  const Kind = KINDS[dataset.extension ?? ''] ?? TextPreview;
  return (
    <article>
      <h2>
        {dataset.hid}: {dataset.name}
      </h2>
      <Kind content={content} dataset={dataset} platform={platform} trans={trans} />
    </article>
  );
}
