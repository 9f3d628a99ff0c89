import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import React, { useEffect, useState } from 'react';
import { inWords } from '../platform/errors';
import { datasetState } from '../platform/states';
import { CommandIDs } from './commandIds';
import { stateOf } from './contentRow';
import type { IContent, IDataset } from './galaxy';
import type { HistoriesModel } from './model';

interface IProps {
  model: HistoriesModel;
  commands: CommandRegistry;
  trans: TranslationBundle;
}

/** What is known of the active dataset, and what can be done with it. */
export function Details({ model, commands, trans }: IProps): React.JSX.Element | null {
  const content = model.active;
  const [detail, problem] = useDetail(model, content);
  if (!content) {
    return null;
  }
  return (
    <section className="pj-Details" aria-label={trans.__('About %1', content.name)}>
      <h3>
        {content.hid}: {content.name}
      </h3>
      <Actions content={content} many={model.chosen.size} commands={commands} />
      {problem === null ? null : <p role="alert">{inWords(problem)}</p>}
      {detail ? <About detail={detail} trans={trans} /> : null}
    </section>
  );
}

function Actions(props: {
  content: IContent;
  many: number;
  commands: CommandRegistry;
}): React.JSX.Element {
  const { content, many, commands } = props;
  const ready = !content.deleted;
  const ids = ready
    ? [
        CommandIDs.preview,
        CommandIDs.insert,
        CommandIDs.copyToLab,
        CommandIDs.download,
        CommandIDs.provenance,
        CommandIDs.renameContent,
        CommandIDs.tags,
        ...(many > 1 ? [CommandIDs.build] : []),
        CommandIDs.removeContent
      ]
    : [CommandIDs.undeleteContent];
  return (
    <div className="pj-Actions">
      {ids
        .filter(id => commands.isVisible(id))
        .map(id => (
          <button
            key={id}
            className="jp-Button jp-mod-styled"
            disabled={!commands.isEnabled(id)}
            title={commands.caption(id)}
            onClick={() => void commands.execute(id)}
          >
            {commands.label(id)}
          </button>
        ))}
    </div>
  );
}

function About({
  detail,
  trans
}: {
  detail: IDataset;
  trans: TranslationBundle;
}): React.JSX.Element {
  const state = stateOf(detail);
  return (
    <>
      {state === 'ok' ? null : <p>{datasetState(state, trans)}</p>}
      {detail.misc_info ? <p className="pj-Info">{detail.misc_info}</p> : null}
      {detail.misc_blurb ? <p>{detail.misc_blurb}</p> : null}
      {detail.annotation ? <p>{detail.annotation}</p> : null}
      {detail.peek ? <pre tabIndex={0}>{withoutTags(detail.peek)}</pre> : null}
    </>
  );
}

/** A real Galaxy's peek may be a table in HTML: only its text is shown. */
function withoutTags(peek: string): string {
  if (!peek.trimStart().startsWith('<table')) {
    return peek;
  }
  const page = new DOMParser().parseFromString(peek, 'text/html');
  const rows = [...page.querySelectorAll('tr')];
  return rows
    .map(row => [...row.children].map(cell => cell.textContent.trim()).join('\t'))
    .join('\n');
}

function useDetail(model: HistoriesModel, content: IContent | null): [IDataset | null, unknown] {
  const [found, setFound] = useState<[IDataset | null, unknown]>([null, null]);
  const id = content?.history_content_type === 'dataset' ? content.id : null;
  const version = `${content?.state ?? ''} ${content?.update_time ?? ''}`;
  useEffect(() => {
    let asked = true;
    setFound(([old]) => [old?.id === id ? old : null, null]);
    if (id !== null) {
      model.api.dataset(id).then(
        detail => asked && setFound([detail, null]),
        (error: unknown) => asked && setFound([null, error])
      );
    }
    return () => {
      asked = false;
    };
  }, [model, id, version]);
  return found;
}
