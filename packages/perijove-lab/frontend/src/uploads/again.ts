import type { IFolder, IUpload } from './upload';

/** What Chromium's handles can do beyond the standard. */
interface IPermitted {
  queryPermission?: (mode: object) => Promise<PermissionState>;
  requestPermission?: (mode: object) => Promise<PermissionState>;
}

const READ = { mode: 'read' };

/** Whether a file or folder of before may be read; `ask`: its user is asked (only on a click). */
export async function mayRead(handle: FileSystemHandle, ask: boolean): Promise<boolean> {
  const permitted = handle as IPermitted;
  const state = await permitted.queryPermission?.(READ);
  if (state === 'prompt' && ask) {
    return (await permitted.requestPermission?.(READ)) === 'granted';
  }
  return state === 'granted';
}

/** The file of an upload as it is now. Null where it is gone, or where there is no way to it. */
export async function opened(upload: IUpload, folder: IFolder | undefined): Promise<File | null> {
  try {
    const handle = upload.handle ?? (await inside(folder?.handle ?? null, upload.path));
    return (await handle?.getFile()) ?? null;
  } catch {
    return null; // moved, renamed, deleted, or no longer to be read
  }
}

async function inside(
  folder: FileSystemDirectoryHandle | null,
  path: string
): Promise<FileSystemFileHandle | null> {
  const [name = '', ...above] = path.split('/').reverse();
  let place = folder;
  for (const part of above.reverse()) {
    place = (await place?.getDirectoryHandle(part)) ?? null;
  }
  return (await place?.getFileHandle(name)) ?? null;
}
