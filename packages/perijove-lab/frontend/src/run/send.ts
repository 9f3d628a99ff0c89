import { ServerConnection } from '@jupyterlab/services';
import { URLExt } from '@jupyterlab/coreutils';
import { away, PlatformError, refusal } from '../platform/errors';
import type { IAsked } from './form';

/** How far the upload is: words, and a fraction where that is known. */
export interface IStep {
  text: string;
  fraction: number | null;
}

interface ILine extends Partial<IStep> {
  job?: string;
  message?: string;
  advice?: string;
  retry?: boolean;
}

/** Send a notebook away; the new job’s id. Rejects with a PlatformError; `signal` stops the upload. */
export async function send(
  settings: ServerConnection.ISettings,
  body: IAsked,
  told: (step: IStep) => void,
  signal: AbortSignal
): Promise<string> {
  const url = URLExt.join(settings.baseUrl, 'perijove/run/submit');
  const init = { method: 'POST', body: JSON.stringify(body), signal };
  const response = await ServerConnection.makeRequest(url, init, settings).catch(() => {
    throw away();
  });
  if (!response.ok) {
    throw refusal(response.status, await response.text());
  }
  for await (const line of linesOf(response)) {
    if (line.job !== undefined) {
      return line.job;
    }
    if (line.message !== undefined) {
      throw new PlatformError(line.message, line.advice ?? '', 400, line.retry ?? false);
    }
    told({ text: line.text ?? '', fraction: line.fraction ?? null });
  }
  throw away();
}

async function* linesOf(response: Response): AsyncGenerator<ILine> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  while (reader !== undefined) {
    const { done, value } = await reader.read().catch(() => {
      throw away();
    });
    if (done) {
      return;
    }
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.map(line => JSON.parse(line) as ILine);
  }
}
