import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import {
  UseSignal,
  addIcon,
  fileUploadIcon,
  folderIcon,
  refreshIcon
} from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import React, { useCallback } from 'react';
import { inWords } from '../platform/errors';
import { shareIcon } from '../share/icons';
import { UploadList } from '../uploads/list';
import type { UploadsModel } from '../uploads/model';
import { CommandIDs } from './commandIds';
import { ContentRow, ROW_HEIGHT } from './contentRow';
import { Details } from './details';
import { carry } from './dragging';
import type { IContent } from './galaxy';
import { HistoryPicker } from './historyPicker';
import type { HistoriesModel } from './model';
import { SearchBox } from './searchBox';
import { VirtualList } from './virtualList';

interface IProps {
  model: HistoriesModel;
  uploads: UploadsModel;
  commands: CommandRegistry;
  trans: TranslationBundle;
}

/** The whole panel. */
export function HistoryView(props: IProps): React.JSX.Element {
  const { model, uploads, commands, trans } = props;
  return (
    <div className="pj-Panel">
      <Header {...props} />
      {model.error === null ? null : (
        <div role="alert" className="pj-Problem">
          <p>{inWords(model.error)}</p>
          <button className="jp-Button jp-mod-styled" onClick={() => void model.refresh()}>
            {trans.__('Try again')}
          </button>
        </div>
      )}
      <UseSignal signal={uploads.stateChanged}>
        {() => <UploadList uploads={uploads} trans={trans} />}
      </UseSignal>
      {model.current ? (
        <Contents {...props} />
      ) : (
        <Empty model={model} commands={commands} trans={trans} />
      )}
    </div>
  );
}

function Header({ model, commands, trans }: IProps): React.JSX.Element {
  const button = (id: string, icon: LabIcon, label: string): React.JSX.Element => (
    <button
      className="pj-ToolButton"
      title={label}
      aria-label={label}
      onClick={() => void commands.execute(id)}
    >
      <icon.react tag="span" />
    </button>
  );
  return (
    <div className="pj-Header">
      <HistoryPicker
        histories={model.histories ?? []}
        current={model.current}
        trans={trans}
        onOpen={id => void model.open(id)}
      />
      <div className="pj-Tools" role="toolbar" aria-label={trans.__('History')}>
        {button(CommandIDs.create, addIcon, trans.__('New history'))}
        {button(CommandIDs.upload, fileUploadIcon, trans.__('Upload files'))}
        {button(CommandIDs.uploadFolder, folderIcon, trans.__('Upload a folder'))}
        {model.current ? button(CommandIDs.share, shareIcon, trans.__('Share History…')) : null}
        {button(CommandIDs.refresh, refreshIcon, trans.__('Refresh'))}
      </div>
    </div>
  );
}

function Empty({ model, commands, trans }: Omit<IProps, 'uploads'>): React.JSX.Element | null {
  if (model.histories === null) {
    return model.error === null ? <p className="pj-Hint">{trans.__('Looking…')}</p> : null;
  }
  return (
    <div className="pj-Empty">
      <p>{trans.__('A history keeps your data, and what your jobs make of it.')}</p>
      <button
        className="jp-Button jp-mod-styled jp-mod-accept"
        onClick={() => void commands.execute(CommandIDs.create)}
      >
        {trans.__('Make your first history')}
      </button>
    </div>
  );
}

function Contents({ model, commands, trans }: IProps): React.JSX.Element {
  const onSight = useCallback(
    (first: number, last: number) => void model.lookAt(first, last),
    [model]
  );
  const open = (content: IContent): void => {
    model.choose(content, false);
    void commands.execute(CommandIDs.preview);
  };
  const move = (index: number): void => {
    const content = model.contents.row(index);
    if (content) {
      model.choose(content, false);
    }
  };
  const active = activeRow(model);
  return (
    <>
      <SearchBox model={model} trans={trans} />
      {model.length === 0 ? <NothingHere model={model} trans={trans} /> : null}
      <VirtualList
        length={model.length}
        rowHeight={ROW_HEIGHT}
        label={trans.__('Datasets')}
        active={active}
        onSight={onSight}
        onMove={move}
        onKey={event => onKey(event, commands)}
        render={index => {
          const content = model.contents.row(index);
          return (
            <ContentRow
              key={content?.id ?? index}
              index={index}
              length={model.length}
              content={content}
              active={index === active}
              chosen={content !== undefined && model.chosen.has(content.id)}
              trans={trans}
              onChoose={(one, more) => model.choose(one, more)}
              onOpen={open}
              onDrag={carry}
            />
          );
        }}
      />
      {model.active ? <Details model={model} commands={commands} trans={trans} /> : null}
    </>
  );
}

function NothingHere(props: {
  model: HistoriesModel;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { model, trans } = props;
  const searched = model.search.trim() !== '' || model.deleted;
  const words = searched
    ? trans.__('Nothing here fits.')
    : trans.__(
        'This history is empty: drop files or folders here, or call put("file") in a notebook.'
      );
  return <p className="pj-Hint">{words}</p>;
}

function activeRow(model: HistoriesModel): number {
  const id = model.active?.id;
  for (let index = 0; id !== undefined && index < model.length; index++) {
    if (model.contents.row(index)?.id === id) {
      return index;
    }
  }
  return -1;
}

function onKey(event: React.KeyboardEvent, commands: CommandRegistry): void {
  const keys: Record<string, string> = {
    Enter: CommandIDs.preview,
    F2: CommandIDs.renameContent,
    Delete: CommandIDs.removeContent
  };
  const command = keys[event.key];
  if (command) {
    event.preventDefault();
    void commands.execute(command);
  }
}
