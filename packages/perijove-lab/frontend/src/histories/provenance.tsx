import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { SHOW_JOBS } from '../jobs/commands';
import type { IPlatform } from '../tokens';
import type { IContent } from './galaxy';

interface IJob {
  id: string;
  tool_id: string;
  state: string;
  create_time: string;
}

interface IInput {
  name: string;
  dataset: { id: string };
}

/** Say which job made a dataset and from what; lead to that job, or run it again. */
export async function showProvenance(
  app: JupyterFrontEnd,
  platform: IPlatform,
  trans: TranslationBundle,
  content: IContent | null
): Promise<void> {
  const id = content?.creating_job;
  if (!id) {
    return;
  }
  const job = await platform.galaxy<IJob>(`api/jobs/${id}`);
  const inputs = await platform.galaxy<IInput[]>(`api/jobs/${id}/inputs`);
  const names = await Promise.all(inputs.map(input => nameOf(platform, input)));
  const answer = await showDialog({
    title: trans.__('How “%1” was made', content.name),
    body: ReactWidget.create(<Facts job={job} inputs={names} trans={trans} />),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Close') }),
      // An upload is a job as well, but none that could be shown or run again.
      ...(job.tool_id.includes('run_jupyter_job')
        ? [
            Dialog.createButton({ label: trans.__('Run again'), actions: ['again'] }),
            Dialog.okButton({ label: trans.__('Show the job'), actions: ['show'] })
          ]
        : [])
    ]
  });
  if (!answer.button.accept) {
    return;
  }
  const shown = answer.button.actions.includes('again') ? await again(platform, id) : id;
  await app.commands.execute(SHOW_JOBS, { id: shown });
}

/** The same job once more: the id of the new one. */
async function again(platform: IPlatform, id: string): Promise<string> {
  const made = await platform.door<{ id: string }>(`jobs/${id}/again`, { method: 'POST' });
  platform.announceChange();
  return made.id;
}

async function nameOf(platform: IPlatform, input: IInput): Promise<string> {
  const { hid, name } = await platform.galaxy<IContent>(`api/datasets/${input.dataset.id}`);
  return `${hid}: ${name} (${input.name})`;
}

function Facts(props: {
  job: IJob;
  inputs: string[];
  trans: TranslationBundle;
}): React.JSX.Element {
  const { job, inputs, trans } = props;
  return (
    <div className="pj-Provenance">
      <p>{trans.__('Made by job %1 (%2) on %3.', job.id, job.tool_id, when(job.create_time))}</p>
      {inputs.length ? <p>{trans.__('From:')}</p> : <p>{trans.__('It read no dataset.')}</p>}
      <ul>
        {inputs.map(input => (
          <li key={input}>{input}</li>
        ))}
      </ul>
    </div>
  );
}

function when(time: string): string {
  return new Date(time.endsWith('Z') ? time : `${time}Z`).toLocaleString();
}
