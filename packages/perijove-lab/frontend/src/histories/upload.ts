export type UploadState =
  | 'running'
  | 'paused'
  | 'waiting' // the network is away; it goes on by itself
  | 'interrupted' // the page was left: the file must be chosen again
  | 'finishing' // all bytes are there; the server makes a dataset of them
  | 'done'
  | 'failed';

/** One file on its way into a history. */
export interface IUpload {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly modified: number;
  readonly history: string;
  state: UploadState;
  sent: number;
  /** Where the server keeps what has arrived; null before it said so. */
  url: string | null;
  problem: string;
}
