export type UploadState =
  | 'queued' // others are sent first
  | 'running'
  | 'paused'
  | 'waiting' // the network is away; it goes on by itself
  | 'interrupted' // the page was left: the file must be opened again
  | 'finishing' // all bytes are there; the server makes a dataset of them
  | 'done'
  | 'failed';

/** One file on its way into a history; kept in the browser as it is here. */
export interface IUpload {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly modified: number;
  readonly history: string;
  /** The folder that it came with, or null. */
  readonly folder: string | null;
  /** Where it lies in that folder: `masks/ct-1.png`. Its name where it came alone. */
  readonly path: string;
  /** What opens the file again after a reload; null where the browser gives no such thing. */
  handle: FileSystemFileHandle | null;
  state: UploadState;
  sent: number;
  /** Where the server keeps what has arrived; null before it said so. */
  url: string | null;
  /** The dataset that it became. */
  dataset: string | null;
  problem: string;
}

/** A folder on its way; a collection once all its files are there. */
export interface IFolder {
  readonly id: string;
  readonly name: string;
  readonly history: string;
  /** How many hidden files and folders were left out. */
  readonly hidden: number;
  handle: FileSystemDirectoryHandle | null;
  /** `sending` says nothing of its files: each has a state of its own. */
  state: 'sending' | 'making' | 'done' | 'failed';
  problem: string;
}

/** Whether `file` is the one that an upload began with. */
export function isSame(upload: IUpload, file: File): boolean {
  return (
    file.name === upload.name && file.size === upload.size && file.lastModified === upload.modified
  );
}

/** Files that are sent now, or will be once the network is back. */
export function isActive({ state }: IUpload): boolean {
  return state === 'running' || state === 'waiting' || state === 'finishing';
}
