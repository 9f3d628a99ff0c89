import type { TranslationBundle } from '@jupyterlab/translation';
import type { DetailedError } from 'tus-js-client';
import { Upload } from 'tus-js-client';
import { inWords, PlatformError, refusal } from '../platform/errors';
import type { IPlatform } from '../tokens';
import type { IUpload } from './upload';

const CHUNK = 32 * 1024 * 1024; // bytes a request: what is lost at most of a broken connection through old proxies
// A Galaxy 26.1 that is asked before it has noticed the break stands still for a minute.
const RETRIES = [1000, 1000, 2000, 5000, 10_000, 20_000, 30_000]; // milliseconds, then it is `waiting`
const LATER = 15_000; // milliseconds between attempts while the network is away

/** The sending of one file by tus (resumable uploads), and the making of a dataset of it. */
export class Transfer {
  private tus: Upload | null = null;
  private timer = 0;
  private stopped = false;

  constructor(
    private readonly platform: IPlatform,
    private readonly upload: IUpload,
    private readonly file: File,
    private readonly changed: () => void,
    private readonly trans: TranslationBundle
  ) {}

  /** Begin, or go on from what the server has. */
  start(): void {
    clearTimeout(this.timer);
    void this.tus?.abort();
    this.stopped = false;
    this.tell('running');
    if (this.upload.url !== null && this.upload.sent === this.file.size) {
      void this.finish();
      return;
    }
    this.tus = new Upload(this.file, {
      endpoint: this.platform.galaxyUrl('api/upload/resumable_upload'),
      ...(this.upload.url === null ? {} : { uploadUrl: this.upload.url }),
      chunkSize: CHUNK,
      retryDelays: RETRIES,
      storeFingerprintForResuming: false,
      removeFingerprintOnSuccess: true,
      // A Galaxy says nothing of an upload whose type was not named, so that it could not be taken up.
      metadata: { filename: this.upload.name, filetype: 'application/octet-stream' },
      onBeforeRequest: request => {
        for (const [name, value] of Object.entries(this.platform.headers)) {
          request.setHeader(name, value);
        }
      },
      onUploadUrlAvailable: () => {
        this.upload.url = this.tus?.url ?? null;
        this.changed();
      },
      onProgress: sent => {
        this.upload.sent = sent;
        this.tell('running');
      },
      onShouldRetry: error => mayHelp(statusOf(error)),
      onError: error => this.failed(error),
      onSuccess: () => {
        this.upload.sent = this.file.size;
        void this.finish();
      }
    });
    this.tus.start();
  }

  pause(): void {
    clearTimeout(this.timer);
    void this.tus?.abort();
    this.stopped = true;
    this.tell('paused');
  }

  private async finish(): Promise<void> {
    this.tell('finishing');
    const { name, history, url } = this.upload;
    const session = url?.split('/').pop() ?? '';
    const element = { src: 'files', ext: 'auto', dbkey: '?', to_posix_lines: false, name };
    const body = {
      history_id: history,
      targets: [{ destination: { type: 'hdas' }, elements: [element] }],
      'files_0|file_data': { session_id: session, name },
      auto_decompress: false
    };
    try {
      const made = await this.platform.galaxy<IFetched>('api/tools/fetch', {
        method: 'POST',
        body
      });
      this.upload.dataset = made.outputs[0]?.id ?? null;
      this.tell('done');
    } catch (error) {
      if (error instanceof PlatformError && error.retry) {
        this.waitAndGoOn(inWords(error));
      } else {
        this.tell('failed', inWords(error));
      }
    }
  }

  private failed(error: Error | DetailedError): void {
    const status = statusOf(error);
    if (status === 404 || status === 410) {
      // The server has forgotten what had arrived (uploads expire): it begins anew.
      this.upload.url = null;
      this.upload.sent = 0;
      this.waitAndGoOn('');
    } else if (mayHelp(status)) {
      this.waitAndGoOn('');
    } else {
      this.tell('failed', inWords(refusal(status, bodyOf(error))));
    }
  }

  private waitAndGoOn(problem: string): void {
    this.tell('waiting', problem);
    this.timer = window.setTimeout(() => void this.startAgain(), LATER);
  }

  /** A browser that refuses to read the file any more looks like a network that is away. */
  private async startAgain(): Promise<void> {
    const readable = await this.file
      .slice(0, 1)
      .arrayBuffer()
      .catch(() => null);
    if (this.stopped) {
      return;
    }
    if (readable === null) {
      this.tell('failed', changedSince(this.trans));
    } else {
      this.start();
    }
  }

  private tell(state: IUpload['state'], problem = ''): void {
    this.upload.state = state;
    this.upload.problem = problem;
    this.changed();
  }
}

/** What to say of a file that is another one by now. */
export function changedSince(trans: TranslationBundle): string {
  return trans.__('It is not there any more, or has changed since. Cancel it, and upload it anew.');
}

interface IFetched {
  outputs: { id: string }[];
}

/** Whether sending again may do: nothing answered, a server restarts, or the upload is locked yet. */
function mayHelp(status: number): boolean {
  return status === 0 || status >= 500 || status === 409 || status === 423 || status === 429;
}

function statusOf(error: Error | DetailedError): number {
  return 'originalResponse' in error ? (error.originalResponse?.getStatus() ?? 0) : 0;
}

function bodyOf(error: Error | DetailedError): string {
  return 'originalResponse' in error ? (error.originalResponse?.getBody() ?? '') : error.message;
}
