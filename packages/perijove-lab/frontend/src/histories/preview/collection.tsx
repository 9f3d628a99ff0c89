import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';
import { inWords } from '../../platform/errors';
import { formatSize } from '../format';
import type { Histories, ICollection, IContent, IElement } from '../galaxy';

interface IProps {
  content: IContent;
  api: Histories;
  trans: TranslationBundle;
}

/** The elements of a collection. */
export function CollectionPreview({ content, api, trans }: IProps): React.JSX.Element {
  const [collection, setCollection] = useState<ICollection | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  useEffect(() => {
    api.collection(content.id).then(setCollection, setProblem);
  }, [api, content.id]);
  if (problem !== null) {
    return <p role="alert">{inWords(problem)}</p>;
  }
  return (
    <article>
      <h2>
        {content.hid}: {content.name}
      </h2>
      <p>
        <a href={api.download(content)} download="">
          {trans.__('Download as a zip archive')}
        </a>
      </p>
      {collection ? (
        <Elements elements={collection.elements} api={api} trans={trans} />
      ) : (
        <p className="pj-Hint">{trans.__('Looking…')}</p>
      )}
    </article>
  );
}

function Elements(props: {
  elements: IElement[];
  api: Histories;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { elements, api, trans } = props;
  if (elements.length === 0) {
    return <p className="pj-Hint">{trans.__('It is empty.')}</p>;
  }
  return (
    <ul className="pj-Tree">
      {elements.map(({ element_identifier, object }) =>
        object.elements ? (
          <li key={element_identifier}>
            <details open>
              <summary>{element_identifier}</summary>
              <Elements elements={object.elements} api={api} trans={trans} />
            </details>
          </li>
        ) : (
          <li key={element_identifier}>
            <a
              href={api.download({ ...object, history_content_type: 'dataset' } as IContent)}
              download=""
            >
              {element_identifier}
            </a>{' '}
            <span className="pj-Row-facts">
              {object.extension ?? ''}
              {object.file_size === undefined ? '' : ` · ${formatSize(object.file_size)}`}
            </span>
          </li>
        )
      )}
    </ul>
  );
}
