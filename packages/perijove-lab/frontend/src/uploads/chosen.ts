import { inFolder, isHidden } from './paths';

/** Files and folders that somebody dropped or chose. */
export interface IChosen {
  files: IChosenFile[];
  folders: IChosenFolder[];
}

export interface IChosenFile {
  file: File;
  handle: FileSystemFileHandle | null;
}

export interface IChosenFolder {
  name: string;
  handle: FileSystemDirectoryHandle | null;
  /** Without hidden ones. */
  files: { path: string; file: File }[];
  /** How many hidden files and folders there are. */
  hidden: number;
}

/** What Chromium has beyond the standard. */
interface IPickers {
  showOpenFilePicker?: (options: object) => Promise<FileSystemFileHandle[]>;
  showDirectoryPicker?: (options: object) => Promise<FileSystemDirectoryHandle>;
}

type Item = DataTransferItem & {
  getAsFileSystemHandle?: () => Promise<FileSystemHandle | null>;
};

/** What was dropped. Call it while the drop is handled: afterwards a browser tells nothing of it. */
export async function dropped(transfer: DataTransfer): Promise<IChosen> {
  const items = [...transfer.items].filter(item => item.kind === 'file') as Item[];
  const asked = items.map(item => ({
    handle: item.getAsFileSystemHandle?.().catch(() => null) ?? Promise.resolve(null),
    entry: item.webkitGetAsEntry(),
    file: item.getAsFile()
  }));
  const chosen: IChosen = { files: [], folders: [] };
  for (const { handle: opening, entry, file } of asked) {
    const handle = await opening;
    if (handle?.kind === 'directory') {
      chosen.folders.push(await folderOf(handle as FileSystemDirectoryHandle));
    } else if (entry?.isDirectory) {
      chosen.folders.push(await folderOfEntry(entry as FileSystemDirectoryEntry));
    } else if (file) {
      chosen.files.push({ file, handle: handle as FileSystemFileHandle | null });
    }
  }
  return chosen;
}

/** Ask for files with the browser's own dialog. */
export async function chooseFiles(): Promise<IChosen> {
  const { showOpenFilePicker } = window as IPickers;
  if (!showOpenFilePicker) {
    const files = await chooseByInput('multiple');
    return { files: files.map(file => ({ file, handle: null })), folders: [] };
  }
  const handles = await unlessCancelled(showOpenFilePicker({ multiple: true }));
  const files = await Promise.all(
    (handles ?? []).map(async handle => ({ file: await handle.getFile(), handle }))
  );
  return { files, folders: [] };
}

/** Ask for a folder with the browser's own dialog; null where none was chosen. */
export async function chooseFolder(): Promise<IChosenFolder | null> {
  const { showDirectoryPicker } = window as IPickers;
  if (showDirectoryPicker) {
    const handle = await unlessCancelled(showDirectoryPicker({ mode: 'read' }));
    return handle ? folderOf(handle) : null;
  }
  const files = await chooseByInput('webkitdirectory');
  return folderOfFiles(files);
}

function chooseByInput(how: 'multiple' | 'webkitdirectory'): Promise<File[]> {
  return new Promise(resolve => {
    const input = document.createElement('input');
    input.type = 'file';
    input[how] = true;
    input.addEventListener('change', () => resolve([...(input.files ?? [])]));
    input.addEventListener('cancel', () => resolve([]));
    input.click();
  });
}

async function unlessCancelled<T>(choice: Promise<T>): Promise<T | null> {
  try {
    return await choice;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') {
      return null;
    }
    throw error;
  }
}

/** The files that an `<input webkitdirectory>` gives; null for none at all. */
function folderOfFiles(given: File[]): IChosenFolder | null {
  const name = given[0]?.webkitRelativePath.split('/')[0];
  if (name === undefined) {
    return null;
  }
  const all = given.map(file => ({ path: inFolder(file.webkitRelativePath), file }));
  const hidden = new Set(
    all.filter(({ path }) => isHidden(path)).map(({ path }) => hiddenPart(path))
  );
  return {
    name,
    handle: null,
    files: all.filter(({ path }) => !isHidden(path)),
    hidden: hidden.size
  };
}

/** `.git/config` → `.git`: what is hidden counts once, whatever is in it. */
function hiddenPart(path: string): string {
  const parts = path.split('/');
  return parts.slice(0, parts.findIndex(part => part.startsWith('.')) + 1).join('/');
}

async function folderOf(handle: FileSystemDirectoryHandle): Promise<IChosenFolder> {
  const found: IChosenFolder = { name: handle.name, handle, files: [], hidden: 0 };
  await walk(handle, '', found);
  return found;
}

async function walk(
  folder: FileSystemDirectoryHandle,
  above: string,
  found: IChosenFolder
): Promise<void> {
  for await (const child of childrenOf(folder)) {
    const path = `${above}${child.name}`;
    if (isHidden(child.name)) {
      found.hidden += 1;
    } else if (child.kind === 'directory') {
      await walk(child as FileSystemDirectoryHandle, `${path}/`, found);
    } else {
      found.files.push({ path, file: await (child as FileSystemFileHandle).getFile() });
    }
  }
}

function childrenOf(folder: FileSystemDirectoryHandle): AsyncIterable<FileSystemHandle> {
  return (folder as unknown as { values(): AsyncIterable<FileSystemHandle> }).values();
}

async function folderOfEntry(entry: FileSystemDirectoryEntry): Promise<IChosenFolder> {
  const found: IChosenFolder = { name: entry.name, handle: null, files: [], hidden: 0 };
  await walkEntry(entry, '', found);
  return found;
}

async function walkEntry(
  folder: FileSystemDirectoryEntry,
  above: string,
  found: IChosenFolder
): Promise<void> {
  for (const child of await entriesOf(folder)) {
    const path = `${above}${child.name}`;
    if (isHidden(child.name)) {
      found.hidden += 1;
    } else if (child.isDirectory) {
      await walkEntry(child as FileSystemDirectoryEntry, `${path}/`, found);
    } else {
      const file = await new Promise<File>((resolve, reject) =>
        (child as FileSystemFileEntry).file(resolve, reject)
      );
      found.files.push({ path, file });
    }
  }
}

/** All of them: a browser gives a hundred at a time. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject)
    );
    if (some.length === 0) {
      return all;
    }
    all.push(...some);
  }
}
